package main

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// faultyFile is a log on a file system that refuses, while fault says so.
type faultyFile struct {
	mu     sync.Mutex
	text   bytes.Buffer
	room   int // Bytes that are still taken while fault is set.
	fault  error
	closed error // What Close says.
	hang   chan struct{}
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if f.hang != nil {
		<-f.hang
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == nil {
		return f.text.Write(p)
	}
	n := min(f.room, len(p))
	f.room -= n
	f.text.Write(p[:n])
	if n == len(p) {
		return n, nil
	}
	return n, f.fault
}

func (f *faultyFile) Close() error { return f.closed }

func (f *faultyFile) set(fault error, room int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.room = fault, room
}

func (f *faultyFile) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String()
}

// newWriter starts a writer; its events are to be read from the channel.
func newWriter(file logFile, limit logLimit) (*logWriter, chan event) {
	events := make(chan event, 64)
	w := &logWriter{queue: newQueue(), events: events, file: file, limit: limit}
	go w.run()
	return w, events
}

func finish(t *testing.T, w *logWriter, events chan event) logDone {
	t.Helper()
	w.queue.close()
	for ev := range events {
		if d, ok := ev.(logDone); ok {
			return d
		}
	}
	return logDone{}
}

func TestLogWriterGoesOnAfterInterruptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := &faultyFile{fault: syscall.EINTR, room: 3}
		w, events := newWriter(file, logLimit{})
		time.AfterFunc(0, func() { file.set(nil, 0) })
		w.queue.push([]byte("hello\n"))
		if d := finish(t, w, events); d.err != nil || file.String() != "hello\n" {
			t.Errorf("have %q, error %v, want hello", file, d.err)
		}
	})
}

// A disk that is full for a while costs nothing but memory.
func TestLogWriterOutlastsAFullDisk(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, os.NewSyscallError("write", syscall.EROFS)} {
		synctest.Test(t, func(t *testing.T) {
			file := &faultyFile{fault: fault, room: 2}
			w, events := newWriter(file, logLimit{})
			var want bytes.Buffer
			for range 1000 {
				line := []byte(strings.Repeat("é", 50) + "\n")
				want.Write(line)
				w.queue.push(line)
				time.Sleep(10 * time.Millisecond)
			}
			file.set(nil, 0)
			finish(t, w, events)
			if file.String() != want.String() || w.lost.Load() != 0 || w.written.Load() != int64(want.Len()) {
				t.Errorf("%v: have %d bytes, %d lost, want %d, 0", fault, len(file.String()), w.lost.Load(), want.Len())
			}
		})
	}
}

// Beyond the buffer the oldest output is given up, and the log says how much and why, where it is missing.
func TestLogWriterCountsWhatIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := &faultyFile{}
		w, events := newWriter(file, logLimit{})
		w.queue.push([]byte("first\n"))
		synctest.Wait()
		file.set(syscall.ENOSPC, 4) // Three characters less one byte: "é" is cut.
		line := []byte("abcéé" + strings.Repeat("x", 1000) + "\n")
		pushed := 0
		for pushed < queueLimit+500_000 {
			w.queue.push(line)
			pushed += len(line)
		}
		synctest.Wait()
		file.set(nil, 0)
		finish(t, w, events)

		have, lost := file.String(), int(w.lost.Load())
		if !utf8.ValidString(have) {
			t.Error("rqlog is not UTF-8")
		}
		head, tail, ok := strings.Cut(have, "frameinit: ")
		if !ok || head != "first\nabcé\n" {
			t.Errorf("log begins %q, want what was written, with its last character whole", head)
		}
		told, tail, ok := strings.Cut(tail, " bytes of output are missing here, the log could not be written: no space left on device\n")
		if !ok || told != strconv.Itoa(lost) || lost < 400_000 {
			t.Errorf("log tells of %q bytes, want %d", told, lost)
		}
		if strings.Contains(tail, "frameinit:") {
			t.Error("log tells of the loss more than once")
		}
		if kept := len(tail) + len("abcé"); kept+lost != pushed {
			t.Errorf("%d kept and %d lost of %d", kept, lost, pushed)
		}
	})
}

func TestLogWriterSaysAtTheEndWhatIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := &faultyFile{fault: syscall.ENOSPC}
		w, events := newWriter(file, logLimit{})
		for pushed := 0; pushed < queueLimit+200_000; pushed += 1000 {
			w.queue.push(make([]byte, 1000))
		}
		go func() {
			time.Sleep(time.Second)
			file.set(nil, 0)
		}()
		if d := finish(t, w, events); d.err != nil || !strings.HasPrefix(file.String(), "frameinit: ") {
			t.Errorf("have error %v, log %.60q, want the loss first", d.err, file)
		}
	})
}

func TestLogWriterAsksForAFreshDescriptor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stale, fresh := &faultyFile{fault: syscall.ESTALE, room: 3}, &faultyFile{}
		w, events := newWriter(stale, logLimit{bytes: 100})
		w.queue.push([]byte("hello\n"))
		for range 2 { // It asks again when nobody answers.
			before := time.Now()
			if ev, ok := (<-events).(logStale); !ok || ev.reason != "stale file handle" && ev.reason != "stale NFS file handle" {
				t.Fatalf("have event %+v, want that the log is stale", ev)
			}
			if took := time.Since(before); took > askPause+retryPause {
				t.Errorf("asked after %v, want %v", took, askPause)
			}
		}
		w.replace(freshLog{file: fresh, size: 94}) // Somebody else has written, too.
		w.queue.push([]byte("more\n"))
		finish(t, w, events)
		if have := stale.String() + "|" + fresh.String(); !strings.HasPrefix(have, "hel|lo\nmor\nframeinit: frame killed: log has 100 bytes") || w.lost.Load() != 0 {
			t.Errorf("have %q, %d lost, want the rest in the new file up to its limit", have, w.lost.Load())
		}
	})
}

// A file system that hangs makes the command wait once the buffer is full. Nothing else waits.
func TestLogWriterStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := &faultyFile{hang: make(chan struct{})}
		w, events := newWriter(file, logLimit{})
		pushed := 0
		full := make(chan struct{})
		go func() {
			defer close(full)
			for pushed < queueLimit+1000 {
				w.queue.push(make([]byte, 1000))
				pushed += 1000
			}
		}()
		synctest.Wait()
		select {
		case <-full:
			t.Fatal("more was taken than the buffer holds")
		default:
		}
		w.queue.say("frameinit: does not wait\n")
		if have := w.missing(); have < queueLimit-1000 || have > queueLimit {
			t.Errorf("%d bytes missing, want what is in the buffer", have)
		}
		close(file.hang)
		<-full
		finish(t, w, events)
		if w.written.Load() < int64(pushed) || w.missing() != 0 {
			t.Errorf("%d written, %d missing of %d", w.written.Load(), w.missing(), pushed)
		}
	})
}

func TestLogWriterLimit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		limit  int64
		pieces []string
		want   string
		over   bool
	}{
		{"below", 10, []string{"12345"}, "12345", false},
		{"at it, to the byte", 10, []string{"12345", "6789\n"}, "123456789\n", false},
		{"beyond it", 10, []string{"12345", "6789\nx", "y"}, "123456789\nframeinit: frame killed: log has 10 bytes, JOB_LOG_MAX_SIZE_IN_BYTES is 10: /p\n", true},
		{"within a line", 10, []string{"1234567890x"}, "1234567890\nframeinit: frame killed: log has 10 bytes, JOB_LOG_MAX_SIZE_IN_BYTES is 10: /p\n", true},
		{"within a character", 10, []string{"12345678€"}, "12345678\nframeinit: frame killed: log has 8 bytes, JOB_LOG_MAX_SIZE_IN_BYTES is 10: /p\n", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				file := &faultyFile{}
				w, events := newWriter(file, logLimit{bytes: tc.limit, path: "/p"})
				for _, text := range tc.pieces {
					w.queue.push([]byte(text))
					synctest.Wait()
				}
				if have := len(events) > 0; have != tc.over {
					t.Errorf("over the limit: have %v, want %v", have, tc.over)
				}
				finish(t, w, events)
				if file.String() != tc.want {
					t.Errorf("have %q, want %q", file, tc.want)
				}
			})
		})
	}
}

func TestLogWriterTellsOfCloseError(t *testing.T) {
	t.Parallel()
	w, events := newWriter(&faultyFile{closed: syscall.EDQUOT}, logLimit{})
	if d := finish(t, w, events); !errors.Is(d.err, syscall.EDQUOT) {
		t.Errorf("have %v, want that a network file system kept nothing", d.err)
	}
}

// Only the cut character follows: the line that tells of the loss still stands alone.
func TestLogWriterMarkerStandsAlone(t *testing.T) {
	t.Parallel()
	file := &faultyFile{}
	w := &logWriter{queue: newQueue(), file: file, fault: syscall.ENOSPC}
	w.drop([]byte("\xa9bc\n")) // The rest of an é whose first byte ended a write.
	if err := w.mark(); err != nil || !strings.HasPrefix(file.String(), "\xa9\nframeinit: 3 bytes ") {
		t.Errorf("have %q, error %v, want the character finished, then a line of its own", file, err)
	}
}

func TestQueueSharesChunks(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for range 1000 {
		q.push([]byte("x"))
	}
	if len(q.chunks) != 1 {
		t.Errorf("%d chunks for 1000 bytes, want 1", len(q.chunks))
	}
}
