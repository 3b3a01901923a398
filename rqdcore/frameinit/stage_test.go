package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/internal/wire"
)

// stage is a world without a kernel: it notes what the frame does, and when.
type stage struct {
	t      *testing.T
	events chan event
	begin  time.Time
	mu     sync.Mutex
	did    []string
	usage  usage
	looks  int  // At the memory.
	lists  bool // The process list comes, and figures are noted.
	code   int
	record wire.Exit
	file   logFile // What the log is written to; nil is a real file.
	over   chan struct{}
	pipe   *logPipe
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, fmt.Sprintf("%v ", time.Since(s.begin).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

func (s *stage) token() string                      { return "secret" }
func (s *stage) dial(after time.Duration)           { s.note("dial after %v", after) }
func (s *stage) launch(o *wire.Order, log *logPipe) { s.note("launch %s", o.Command); s.pipe = log }
func (s *stage) signal(sig syscall.Signal)          { s.note("%v", sig) }
func (s *stage) list() {
	if s.lists {
		s.events <- listed{processList{vsize: 1}}
	}
}

func (s *stage) print(line []byte) {
	record, err := wire.ParseRecord(line)
	if err != nil {
		s.t.Errorf("printed record: %v", err)
	}
	s.record = record
}

// line is the connection of one stage to rqdcore.
type line struct{ s *stage }

func (l *line) send(m wire.Message) error {
	switch {
	case m.Hello != nil:
		l.s.note("hello %s", m.Hello.Phase)
	case m.Exit != nil:
		l.s.note("exit %s", m.Exit.Cause)
	case m.Started != nil:
		l.s.note("started")
	case m.Figures != nil && l.s.lists:
		l.s.note("figures %d MiB", m.Figures.RSS>>10)
	}
	return nil
}

func (l *line) close() { l.s.note("close") }

// play runs a frame. Inside of script time passes only when the script sleeps.
func play(t *testing.T, s *stage, script func(*line)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.t, s.events, s.begin, s.over = t, make(chan event, 64), time.Now(), make(chan struct{})
		f := newFrame(s, s, s.events)
		open := f.open
		f.open = func(fd int) logFile {
			if s.file != nil {
				return s.file
			}
			return open(fd)
		}
		go func() {
			defer close(s.over)
			s.code = f.run()
		}()
		script(&line{s: s})
		select {
		case <-s.over:
		case <-time.After(time.Hour):
			t.Errorf("frame did not end; it did:\n%s", s.text())
			s.events <- signalled{syscall.SIGTERM}
			s.events <- childless{}
		}
		synctest.Wait()
	})
}

// ordered brings the frame to an order; started, to a running command.
func (l *line) ordered(o wire.Order) {
	l.s.events <- connected{conn: l}
	file, err := os.Create(filepath.Join(l.s.t.TempDir(), "log"))
	must(l.s.t, err)
	l.s.t.Cleanup(func() { _ = file.Close() })
	fd, err := syscall.Dup(int(file.Fd()))
	must(l.s.t, err)
	l.hears(wire.Message{Order: &o}, fd)
}

func (l *line) started(o wire.Order) {
	l.ordered(o)
	l.s.events <- started{pid: 7}
	synctest.Wait()
}

func (l *line) hears(m wire.Message, fd int) { l.s.events <- received{conn: l, m: m, file: fd} }

func (l *line) alive() {
	l.hears(wire.Message{Alive: &wire.Alive{}}, -1)
	synctest.Wait()
}

func (l *line) kill(grace time.Duration) {
	l.hears(wire.Message{Kill: &wire.Kill{GraceMillis: int(grace.Milliseconds())}}, -1)
}

// dies is the end of the command, and of its log, as the kernel tells of them.
func (l *line) dies(status syscall.WaitStatus) { l.s.events <- reaped{pid: 7, status: status} }

func (l *line) nothingLeft() { l.s.events <- childless{} }

func (l *line) logEnds() { synctest.Wait(); l.s.pipe.queue.close() }

func (s *stage) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.did, "\n")
}

func (s *stage) setUsage(u usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage = u
}

func (s *stage) all() (usage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage, true
}

func (s *stage) memory() (memory, swap int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return s.usage.memory / 1024, 0, true
}

func (s *stage) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

func (s *stage) want(t *testing.T, did ...string) {
	t.Helper()
	if have, want := s.text(), strings.Join(did, "\n"); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
}
