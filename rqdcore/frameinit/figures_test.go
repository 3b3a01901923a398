package main

import (
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/wire"
)

func TestPace(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(0, 0)
	for i, step := range []struct {
		memory int64 // KiB, before the look.
		want   string
	}{
		{0, "50ms"},
		{500_000, "100ms"},
		{500_000, "200ms"},
		{500_000, "400ms"},
		{500_000, "800ms"},
		{500_000, "1.6s"},
		{500_000, "3.2s"},
		{500_000, "5s"},
		{500_000, "10s"},
		{500_000, "20s"},
		{500_000, "40s"},
		{500_000, "45s"},
		{500_000, "45s"},
		{531_000, "45s"}, // Not a sixteenth.
		{532_000, "5s"},
		{532_000, "5s"},
		{400_000, "5s"},
		{400_000, "5s"},
		{400_000, "10s"},
		{20_000, "5s"},
		{28_000, "5s"},
		{28_000, "10s"}, // 8 MiB are the least that counts.
	} {
		p.look(step.memory, now)
		wait := p.next(now)
		if wait.String() != step.want {
			t.Errorf("look %d, at %d KiB: next one after %s, want %s", i, step.memory, wait, step.want)
		}
		now = now.Add(wait)
	}
}

// A frame whose memory stands still costs one look and one message per sign of life, and nothing in between.
func TestFrameThatStandsStill(t *testing.T) {
	t.Parallel()
	s := &stage{lists: true, usage: usage{memory: 2 << 20}}
	play(t, s, func(l *line) {
		o := order("x")
		o.FiguresMillis = 10_000
		l.started(o)
		time.Sleep(2 * time.Minute)
		l.alive()
		early := s.looked()
		for range 120 {
			time.Sleep(wire.AlivePeriod)
			l.alive()
			l.alive() // There is nothing new to say.
		}
		if n := s.looked() - early; n != 120 {
			t.Errorf("looked %d times in an hour, want only when rqdcore gives a sign of life", n)
		}
		l.dies(0)
		l.nothingLeft()
		l.logEnds()
	})
	if n := strings.Count(s.text(), "figures"); n != 122 {
		t.Errorf("sent figures %d times, want once at first and once per sign of life, 122", n)
	}
}

// rqdcore hears of memory that moves without asking, but not more often than it wants to.
func TestFrameTellsWhenMemoryMoves(t *testing.T) {
	t.Parallel()
	s := &stage{lists: true}
	play(t, s, func(l *line) {
		o := order("x")
		o.FiguresMillis = 10_000
		l.started(o)
		for n := range int64(4) {
			s.setUsage(usage{memory: (n + 1) * 100 << 20})
			time.Sleep(10 * time.Second)
		}
		time.Sleep(time.Hour)
		s.setUsage(usage{memory: 50 << 20})
		time.Sleep(time.Minute)
		l.dies(0)
		l.nothingLeft()
		l.logEnds()
	})
	s.want(t, "0s dial after 0s", "0s hello waiting", "0s launch x", "0s started",
		"50ms figures 100 MiB", "11.35s figures 200 MiB", "21.35s figures 300 MiB", "31.35s figures 400 MiB",
		"1h1m6.35s figures 50 MiB", "1h1m40s terminated", "1h1m40s continued", "1h1m40s exit exit")
}
