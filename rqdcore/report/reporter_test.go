package report_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/report"
)

// clock is a Cuebot that notes when it is called, relative to its making.
type clock struct {
	began  time.Time
	boot   func(try int) error
	status func(ctx context.Context, try int) error

	mu     sync.Mutex
	boots  []time.Duration
	states []time.Duration
}

func (c *clock) Boot(context.Context, frame.HostReport) error {
	c.mu.Lock()
	c.boots = append(c.boots, time.Since(c.began))
	n := len(c.boots)
	c.mu.Unlock()
	if c.boot == nil {
		return nil
	}
	return c.boot(n)
}

func (c *clock) Status(ctx context.Context, _ frame.HostReport) error {
	c.mu.Lock()
	c.states = append(c.states, time.Since(c.began))
	n := len(c.states)
	c.mu.Unlock()
	if c.status == nil {
		return nil
	}
	return c.status(ctx, n)
}

// reporting runs a reporter in a bubble for as long as body takes.
func reporting(t *testing.T, c *clock, body func(*report.Reporter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c.began = time.Now()
		r := report.NewReporter(host(), c, zerolog.Nop())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		synctest.Wait()
		body(r)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestCadence(t *testing.T) {
	t.Parallel()
	c := &clock{}
	reporting(t, c, func(*report.Reporter) { time.Sleep(2 * time.Hour) })
	if len(c.boots) != 1 || c.states[0] != 5*time.Second {
		t.Errorf("booted at %v, first report at %v, want at once and 5s", c.boots, c.states[0])
	}
	shortest, longest := time.Hour, time.Duration(0)
	for i := 1; i < len(c.states); i++ {
		gap := c.states[i] - c.states[i-1]
		shortest, longest = min(shortest, gap), max(longest, gap)
	}
	if shortest < 5*time.Second || shortest > 8*time.Second || longest > 30*time.Second || longest < 27*time.Second {
		t.Errorf("gaps from %v to %v, want 5s to 30s", shortest, longest)
	}
}

func TestBootIsRepeated(t *testing.T) {
	t.Parallel()
	c := &clock{boot: func(n int) error {
		if n < 8 {
			return errRefused
		}
		return nil
	}}
	reporting(t, c, func(r *report.Reporter) {
		r.Poke() // Has no report before the boot report, nor one of its own after it.
		time.Sleep(71 * time.Second)
	})
	want := []time.Duration{0, 1, 3, 7, 15, 30, 45, 60}
	if len(c.boots) != len(want) {
		t.Fatalf("tried at %v", c.boots)
	}
	for i, w := range want {
		if c.boots[i] != w*time.Second {
			t.Errorf("try %d at %v, want %v", i, c.boots[i], w*time.Second)
		}
	}
	if c.states[0] != 65*time.Second {
		t.Errorf("first report at %v, want 65s", c.states[0])
	}
}

func TestPoke(t *testing.T) {
	t.Parallel()
	c := &clock{}
	reporting(t, c, func(r *report.Reporter) {
		time.Sleep(5 * time.Second) // The first report.
		time.Sleep(1500 * time.Millisecond)
		r.Poke()
		synctest.Wait()
		time.Sleep(100 * time.Millisecond)
		for range 50 {
			r.Poke()
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		time.Sleep(time.Second)
	})
	// At once; the fifty together a second later; the next one 5 s after those.
	want := []time.Duration{5000, 6500, 7500, 12500}
	if len(c.states) != len(want) {
		t.Fatalf("reported at %v", c.states)
	}
	for i, w := range want {
		if c.states[i] != w*time.Millisecond {
			t.Errorf("report %d at %v, want %v", i, c.states[i], w*time.Millisecond)
		}
	}
}

func TestFrameEnded(t *testing.T) {
	t.Parallel()
	early := 0
	for range 60 {
		c := &clock{}
		reporting(t, c, func(r *report.Reporter) {
			time.Sleep(7 * time.Second)
			r.FrameEnded()
			time.Sleep(40 * time.Second)
		})
		switch at := c.states[1]; {
		case at == 7*time.Second:
			early++
			if c.states[2] != 12*time.Second {
				t.Errorf("after the early report at 7s the next was at %v, want 12s", c.states[2])
			}
		case at < 10*time.Second || at > 17*time.Second:
			t.Errorf("the next report was at %v, want 7s, or up to 17s where it was due anyway", at)
		}
	}
	if early == 0 || early == 60 {
		t.Errorf("%d of 60 frames had a report of their own, want some", early)
	}
}

// A Cuebot that hangs does not stretch the gaps beyond what CueNIMBY bears, nor fail the reporter.
func TestSlowCuebot(t *testing.T) {
	t.Parallel()
	c := &clock{status: func(ctx context.Context, _ int) error {
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
		}
		return errRefused
	}}
	reporting(t, c, func(*report.Reporter) { time.Sleep(time.Hour) })
	for i := 1; i < len(c.states); i++ {
		if gap := c.states[i] - c.states[i-1]; gap > 40*time.Second {
			t.Errorf("a gap of %v", gap)
		}
	}
}

func TestReporterLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := &clock{status: func(_ context.Context, n int) error {
			if n%10 == 0 {
				return nil
			}
			return errRefused
		}}
		ctx, cancel := context.WithCancel(t.Context())
		r := report.NewReporter(host(), c, zerolog.New(&out).Level(zerolog.InfoLevel))
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		for len(c.at()) < 20 {
			time.Sleep(time.Second)
		}
		cancel()
		<-ended
		for line, want := range map[string]int{"RQD Started": 1, "host report failed": 2, `"lost":9`: 2} {
			if have := strings.Count(out.String(), line); have != want {
				t.Errorf("%q is in the log %d times, want %d:\n%s", line, have, want, out.String())
			}
		}
	})
}

func (c *clock) at() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states
}
