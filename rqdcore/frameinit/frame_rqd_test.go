package main

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/internal/wire"
)

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
