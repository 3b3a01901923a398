package farm

import (
	"strings"
	"testing"
	"time"
)

// TestVerify has the cases of contract 8.3.
func TestVerify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(f *Farm, o Order, seen *Running)
		age     time.Duration
		kills   int
		problem string
	}{
		"as booked":               {change: func(*Farm, Order, *Running) {}, age: time.Hour},
		"another resource, young": {change: func(_ *Farm, _ Order, s *Running) { s.ResourceID = "x" }, age: 119 * time.Second},
		"another resource, old":   {change: func(_ *Farm, _ Order, s *Running) { s.ResourceID = "x" }, age: 120 * time.Second, kills: 1, problem: "not booked"},
		"start time 0":            {change: func(_ *Farm, _ Order, s *Running) { s.ResourceID, s.StartTime = "x", 0 }, kills: 1, problem: "not booked"},
		"unknown and young":       {change: func(_ *Farm, _ Order, s *Running) { s.FrameID, s.ResourceID = "x", "x" }, problem: "unknown"},
		"unknown and old":         {change: func(_ *Farm, _ Order, s *Running) { s.FrameID, s.ResourceID = "x", "x" }, age: time.Hour},
		"ended":                   {change: func(f *Farm, o Order, _ *Running) { f.Complete(ended(o, 0, 0)) }, age: time.Hour},
		"given back to WAITING":   {change: func(f *Farm, o Order, _ *Running) { f.Refused(o, "") }, age: time.Hour},
		"resource of another, running frame": {change: func(f *Farm, _ Order, s *Running) {
			other, _ := f.Book("render01")
			s.ResourceID = other.ResourceID
		}, kills: 1, problem: "not booked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, clk := newFarm(t)
			boot(t, f, "render01")
			submit(t, f, func(j *Job) { j.Range = "1-2" })
			o := book(t, f, "render01")
			clk.advance(c.age)
			seen := listed(o)
			c.change(f, o, &seen)
			out := f.Report(Report{Machine: machine("render01"), Frames: []Running{seen}})
			if len(out.Kills) != c.kills {
				t.Errorf("want %d kills, have %+v", c.kills, out.Kills)
			}
			if have := strings.Join(out.Problems, ";"); !strings.Contains(have, c.problem) || c.problem == "" && have != "" {
				t.Errorf("problems: want %q, have %q", c.problem, have)
			}
		})
	}
}

func TestUnknownYoungFrameStopsTheReport(t *testing.T) {
	t.Parallel()
	f, clk := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, nil)
	o := book(t, f, "render01")
	clk.advance(200 * time.Second)
	alien := Running{ResourceID: "x", FrameID: "x", StartTime: clk.Now().UnixMilli()}
	f.Report(Report{Machine: machine("render01"), Frames: []Running{alien, listed(o)}})
	clk.advance(101 * time.Second)
	if have := f.Sweep(); len(have) != 1 || have[0].Why != Orphaned {
		t.Errorf("want the frame after the unknown one unseen and now lost, have %+v", have)
	}
}

func TestKillsOfReportsAreThreeInARow(t *testing.T) {
	t.Parallel()
	f, clk := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, nil)
	seen := listed(book(t, f, "render01"))
	seen.ResourceID = "x"
	clk.advance(verifyGrace)
	kills := func(reports int) (n int) {
		for range reports {
			n += len(f.Report(Report{Machine: machine("render01"), Frames: []Running{seen}}).Kills)
		}
		return n
	}
	if have := kills(6); have != 3 {
		t.Errorf("six reports: want 3 kills, have %d", have)
	}
	clk.advance(killWindow + time.Second)
	if have := kills(6); have != 3 {
		t.Errorf("three minutes later: want 3 kills again, have %d", have)
	}
}

func TestOverdueFramesAreKilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ran, silent time.Duration
		want        bool
	}{
		"in time":             {ran: 119 * time.Second},
		"a whole minute over": {ran: 120 * time.Second, want: true},
		"log moves":           {ran: time.Minute, silent: 59 * time.Second},
		"log is silent":       {ran: time.Minute, silent: 2 * time.Minute, want: true},
	} {
		f, clk := newFarm(t)
		boot(t, f, "render01")
		submit(t, f, func(j *Job) { j.Timeout, j.LogTimeout = 1, 2 })
		seen := listed(book(t, f, "render01"))
		clk.advance(c.ran)
		if c.silent > 0 {
			seen.LogUpdated = clk.Now().Add(-c.silent).Unix()
		}
		out := f.Report(Report{Machine: machine("render01"), Frames: []Running{seen}})
		if have := len(out.Kills) == 1 && out.Kills[0].Why == Timeout; have != c.want {
			t.Errorf("%s: want a kill %t, have %+v", name, c.want, out.Kills)
		}
	}
}

func TestListedFrameIsNoOrphan(t *testing.T) {
	t.Parallel()
	f, clk := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, nil)
	o := book(t, f, "render01")
	for range 100 {
		clk.advance(30 * time.Second)
		f.Report(Report{Machine: machine("render01"), Frames: []Running{listed(o)}})
		if have := f.Sweep(); len(have) > 0 {
			t.Fatalf("want nothing to kill, have %+v", have)
		}
	}
}
