package main

import (
	"errors"
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
func (s *stage) list()                              {}
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
	u, _ := s.all()
	return u.memory / 1024, 0, true
}

func (s *stage) want(t *testing.T, did ...string) {
	t.Helper()
	if have, want := s.text(), strings.Join(did, "\n"); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
}

const sigKilled = syscall.WaitStatus(9)

func TestFrameEndsByItself(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.started(order("x"))
		time.Sleep(time.Second)
		l.dies(3 << 8)
		l.nothingLeft()
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s started", "1s terminated", "1s continued", "1s exit exit")
	if s.code != 3 || s.record.RunMillis != 1000 {
		t.Errorf("have exit code %d, %d ms, want 3, 1000", s.code, s.record.RunMillis)
	}
}

func TestFrameKillEscalates(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.started(order("x"))
		l.kill(10 * time.Second)
		time.Sleep(time.Second)
		l.s.events <- signalled{syscall.SIGTERM} // The engine's, after RQD's: it changes nothing.
		l.kill(20 * time.Second)                 // More grace than there is left is not given.
		l.kill(3 * time.Second)
		time.Sleep(3150 * time.Millisecond)
		l.dies(sigKilled)
		l.nothingLeft()
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s started", "0s terminated", "0s continued",
		"4s killed", "4.1s killed", "4.15s exit kill")
	if s.code != 137 || s.record.Signal != 9 {
		t.Errorf("have exit code %d, signal %d, want 137, 9", s.code, s.record.Signal)
	}
}

// What the command leaves in the background gets little time, and does not change how it ended.
func TestFrameEndsWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.started(order("x"))
		l.dies(0)
		time.Sleep(600 * time.Millisecond)
		l.kill(0)
		l.nothingLeft()
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s started", "0s terminated", "0s continued",
		"500ms killed", "600ms killed", "600ms exit exit")
}

// The record is the proof that nothing of the frame runs any more: it waits for what is stuck.
func TestFrameWaitsForWhatCannotDie(t *testing.T) {
	t.Parallel()
	s := &stage{file: &faultyFile{}}
	play(t, s, func(l *line) {
		l.started(order("x"))
		l.kill(0)
		time.Sleep(time.Minute)
		if have := l.s.text(); !strings.HasSuffix(have, "killed") {
			t.Errorf("after a minute: have %q, want it killed again and again", have)
		}
		l.dies(sigKilled)
		l.nothingLeft()
		l.logEnds()
	})
	if want := "frameinit: processes of this frame do not die: they are stuck in the kernel, most likely in I/O\n"; fmt.Sprint(s.file) != want {
		t.Errorf("rqlog %q, want %q", s.file, want)
	}
}

// A log that hangs delays neither the kill nor, for long, the record.
func TestFrameDoesNotWaitForTheLog(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		hang := make(chan struct{})
		s.file = hangingFile{hang}
		l.started(order("x"))
		log := l.s.pipe
		log.push([]byte("last words\n"))
		synctest.Wait()
		l.kill(time.Second)
		l.dies(15)
		l.nothingLeft()
		<-l.s.over
		close(hang)
		log.queue.close()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s started", "0s terminated", "0s continued", "2s exit kill")
	if s.record.Figures.LogLost != 11 {
		t.Errorf("%d bytes lost, want the 11 that were not written", s.record.Figures.LogLost)
	}
}

func TestFrameKilledWhileTheStartHangs(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.ordered(order("x"))
		l.kill(time.Second)
		time.Sleep(launchLimit)
		synctest.Wait()
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "2s exit kill")
	if s.code != exitCalledOff || s.record.Cause != wire.CauseKill {
		t.Errorf("have exit code %d, cause %s, want %d, kill", s.code, s.record.Cause, exitCalledOff)
	}
}

func TestFrameKilledWhileStarting(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.ordered(order("x"))
		l.kill(time.Second)
		l.s.events <- started{pid: 7}
		time.Sleep(1050 * time.Millisecond)
		l.dies(sigKilled)
		l.nothingLeft()
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s started", "0s terminated", "0s continued", "1s killed", "1.05s exit kill")
}

func TestFrameThatCannotBeLaunched(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.ordered(order("x"))
		l.s.events <- started{err: errors.New("no shell")}
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s exit launch")
	if s.code != exitLaunch || s.record.Cause != wire.CauseLaunch || s.record.Detail != "no shell" {
		t.Errorf("have exit code %d, record %+v, want %d, launch, no shell", s.code, s.record, exitLaunch)
	}
}

func TestFrameGivesUpWithoutAnOrder(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.s.events <- connected{conn: l}
		l.hears(wire.Message{Order: &wire.Order{}}, -1) // Without a log it is none.
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s close", "1m0s exit lease")
	if s.code != exitLaunch || s.record.Cause != wire.CauseLease || s.record.Detail != "no order from RQD within 1m0s" {
		t.Errorf("have exit code %d, record %+v, want %d and that no order came", s.code, s.record, exitLaunch)
	}
}

func TestFrameLease(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script func(*line)
		want   time.Duration
	}{
		{"from the end of the connection", func(l *line) {
			time.Sleep(50 * time.Second)
			l.s.events <- disconnected{conn: l}
		}, 130 * time.Second},
		{"not from connections that nobody answers on", func(l *line) {
			l.s.events <- disconnected{conn: l}
			for range 7 {
				time.Sleep(10 * time.Second)
				other := &line{s: l.s}
				l.s.events <- connected{conn: other}
				l.s.events <- disconnected{conn: other}
			}
		}, 80 * time.Second},
		{"from the last sign of life of an rqdcore that hangs", func(l *line) {
			time.Sleep(20 * time.Second)
			l.hears(wire.Message{Alive: &wire.Alive{}}, -1)
		}, 100 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := &stage{}
			play(t, s, func(l *line) {
				o := order("x")
				o.LeaseSeconds = 80
				l.started(o)
				tc.script(l)
				for synctest.Wait(); !strings.Contains(s.text(), "continued"); synctest.Wait() {
					time.Sleep(time.Second)
				}
				if have := time.Since(s.begin).Round(2 * time.Second); have < tc.want || have > tc.want+2*time.Second {
					t.Errorf("lease ended after %v, want %v", have, tc.want)
				}
				l.dies(15)
				l.nothingLeft()
				l.logEnds()
			})
			if s.record.Cause != wire.CauseLease {
				t.Errorf("have cause %s, want lease", s.record.Cause)
			}
		})
	}
}

func TestFrameWithoutLeaseRunsOn(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		o := order("x")
		o.FiguresMillis = 0
		l.started(o)
		l.s.events <- disconnected{conn: l}
		time.Sleep(24 * time.Hour)
		l.dies(0)
		l.nothingLeft()
		l.logEnds()
	})
	if s.record.Cause != wire.CauseExit {
		t.Errorf("have cause %s, want exit", s.record.Cause)
	}
}

func TestFrameBacksOff(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		for range 6 {
			c := &line{s: s}
			l.s.events <- connected{conn: c}
			l.s.events <- disconnected{conn: c}
		}
		synctest.Wait()
	})
	var waits []string
	for _, d := range s.did {
		if _, wait, ok := strings.Cut(d, "dial after "); ok {
			waits = append(waits, wait)
		}
	}
	if have, want := strings.Join(waits, " "), "0s 50ms 100ms 200ms 400ms 800ms 1s"; have != want {
		t.Errorf("dialled after %s, want %s", have, want)
	}
}

func TestFramePeaks(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.started(order("x"))
		s.setUsage(usage{memory: 500 << 20})
		time.Sleep(60 * time.Millisecond) // The first sample is after 50 ms.
		s.setUsage(usage{memory: 100 << 20, user: 7000, oomKills: 1})
		l.s.events <- listed{processList{vsize: 900}}
		l.s.events <- listed{processList{vsize: 300}}
		l.s.events <- reaped{pid: 9, usage: syscall.Rusage{Maxrss: 400 << 10}}
		l.dies(0)
		l.nothingLeft()
		l.logEnds()
	})
	f := s.record.Figures
	if f.MaxRSS != 500<<10 || f.RSS != 100<<10 || f.MaxVSize != 900 || f.UserMillis != 7 || f.OOMKills != 1 {
		t.Errorf("have figures %+v", f)
	}
}

type hangingFile struct{ hang chan struct{} }

func (f hangingFile) Write(p []byte) (int, error) { <-f.hang; return len(p), nil }
func (f hangingFile) Close() error                { return nil }

// A connection that comes while the command is being started must not bring a second order.
func TestFrameSaysHelloWhenItHasStarted(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.ordered(order("x"))
		l.s.events <- disconnected{conn: l}
		other := &line{s: s}
		l.s.events <- connected{conn: other}
		time.Sleep(time.Second)
		l.s.events <- started{pid: 7}
		other.hears(wire.Message{Order: &wire.Order{Command: "y"}}, -1)
		l.dies(0)
		l.nothingLeft()
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s dial after 50ms", "1s hello running",
		"1s terminated", "1s continued", "1s exit exit")
}

func TestFrameSaysHelloWithTheRecord(t *testing.T) {
	t.Parallel()
	s := &stage{}
	play(t, s, func(l *line) {
		l.ordered(order("x"))
		l.s.events <- disconnected{conn: l}
		l.s.events <- connected{conn: &line{s: s}}
		l.s.events <- started{err: errors.New("no shell")}
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s dial after 50ms", "0s hello exited")
}
