package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/internal/wire"
)

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

type hangingFile struct{ hang chan struct{} }

func (f hangingFile) Write(p []byte) (int, error) { <-f.hang; return len(p), nil }
func (f hangingFile) Close() error                { return nil }
