package farm

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSilentHostIsDownAndItsFramesWaitAgain(t *testing.T) {
	t.Parallel()
	f, clk := newFarm(t)
	boot(t, f, "render01")
	j := submit(t, f, nil)
	o := book(t, f, "render01")
	f.Launched(o)
	clk.advance(300 * time.Second)
	if have := f.Sweep(); len(have) != 0 {
		t.Fatalf("after 300 s: want nothing yet, have %+v", have)
	}
	clk.advance(time.Second)
	kills := f.Sweep()
	if len(kills) != 1 || kills[0].Why != HostLost || kills[0].Host != "render01" {
		t.Fatalf("want one kill for the lost host, have %+v", kills)
	}
	if have := f.Hosts()[0].State; have != Down {
		t.Errorf("host: want DOWN, have %s", have)
	}
	f.Killed(kills[0], Unclear)
	wantState(t, f, o.FrameID, Waiting, 399)
	bookNothing(t, f, "render01")

	boot(t, f, "render02")
	again := book(t, f, "render02")
	if frameOf(t, f, o.FrameID).Retries != 0 {
		t.Error("want no retry used up by the lost host")
	}
	if v := f.Complete(ended(o, 0, 0)); v.Ignored == "" {
		t.Error("want the late completion of the first host ignored")
	}
	seen := listed(o)
	out := f.Report(Report{Machine: machine("render01"), Frames: []Running{seen}})
	if len(out.Kills) != 1 || out.Kills[0].Why != Fencing || out.Kills[0].Host != "render01" {
		t.Errorf("want the copy on the returned host killed, have %+v", out.Kills)
	}
	f.Complete(ended(again, 0, 0))
	wantState(t, f, o.FrameID, Succeeded, 0)
	if have := kinds(t, f, j.ID); have != "started lost started done" {
		t.Errorf("events: have %s", have)
	}
}

func TestForgottenFrame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome KillOutcome
		change  func(m *Machine, now time.Time)
		after   time.Duration
		state   State
		status  int32
	}{
		"proven not to run":            {outcome: NotRunning, state: Waiting, status: 301},
		"will die":                     {outcome: WillDie, state: InFlight, status: -1},
		"no answer":                    {outcome: Unclear, state: InFlight, status: -1},
		"no answer, but booted since":  {outcome: Unclear, change: func(m *Machine, now time.Time) { m.BootTime = now.Unix() }, state: Waiting, status: 301},
		"no answer, but the host down": {outcome: Unclear, change: func(m *Machine, _ time.Time) { m.State = Down }, state: Waiting, status: 399},
		"no answer for 20 minutes":     {outcome: Unclear, after: 20 * time.Minute, state: Dead, status: 301},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, clk := newFarm(t)
			boot(t, f, "render01")
			submit(t, f, nil)
			o := book(t, f, "render01")
			clk.advance(301*time.Second + c.after)
			m := machine("render01")
			if c.change != nil {
				c.change(&m, clk.Now())
			}
			f.Report(Report{Machine: m})
			kills := f.Sweep()
			if len(kills) != 1 || kills[0].Why != Orphaned {
				t.Fatalf("want one kill of an orphan, have %+v", kills)
			}
			f.Killed(kills[0], c.outcome)
			wantState(t, f, o.FrameID, c.state, c.status)
		})
	}
}

func TestKillOfAPersonIsForGood(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	j := submit(t, f, func(j *Job) { j.Range, j.Retries, j.Cores = "1-2", 3, 400 })
	o := book(t, f, "render01")
	kills, err := f.KillJob(j.ID)
	if err != nil || len(kills) != 1 || kills[0].FrameID != o.FrameID || kills[0].Why != ByUser {
		t.Fatalf("want one kill, have %+v, %v", kills, err)
	}
	if strings.Count(kills[0].Message, "\n") < 5 {
		t.Errorf("message: want as many lines as Cuebot's have, have %q", kills[0].Message)
	}
	f.Killed(kills[0], WillDie)
	wantState(t, f, j.Frames[1].ID, Eaten, 506)
	wantState(t, f, o.FrameID, InFlight, -1)
	if v := f.Complete(ended(o, 1, 9)); v.State != Dead || v.Follows {
		t.Errorf("want DEAD in spite of retries, have %+v", v)
	}
	page, _ := f.Events(j.ID, 0)
	if !page.Over {
		t.Error("want the job over")
	}
	if have := kinds(t, f, j.ID); have != "killed started killed" {
		t.Errorf("events: have %s", have)
	}
}

func TestKillThatFindsNothingMakesAnOrphanOfTheFrame(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, nil)
	o := book(t, f, "render01")
	kills, err := f.KillFrames([]string{o.FrameID})
	if err != nil {
		t.Fatal(err)
	}
	f.Killed(kills[0], NotRunning)
	wantState(t, f, o.FrameID, InFlight, -1) // Its completion may be on its way.
	kills = f.Sweep()
	if len(kills) != 1 {
		t.Fatalf("want it swept, have %+v", kills)
	}
	f.Killed(kills[0], NotRunning)
	wantState(t, f, o.FrameID, Eaten, 301)
}

func TestKillOfARefusedFrameEndsIt(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	j := submit(t, f, nil)
	o := book(t, f, "render01")
	if _, err := f.KillFrames([]string{o.FrameID}); err != nil {
		t.Fatal(err)
	}
	f.Refused(o, "deadline exceeded")
	wantState(t, f, o.FrameID, Eaten, 299)
	if have := kinds(t, f, j.ID); have != "killed" {
		t.Errorf("events: want killed, have %s", have)
	}
}

func TestFramesByName(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	a := submit(t, f, func(j *Job) { j.Name = "a" })
	b := submit(t, f, func(j *Job) { j.Name = "b" })
	kill := func(ref string) error {
		_, err := f.KillFrames([]string{ref})
		return err
	}
	if err := kill("0001-render"); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("want an ambiguous name, have %v", err)
	}
	if err := kill("0009-render"); !errors.Is(err, ErrUnknown) {
		t.Errorf("want an unknown name, have %v", err)
	}
	if err := kill(a.Name + "/0001-render"); err != nil {
		t.Error(err)
	}
	if err := kill("0001-render"); err != nil { // One is left that is not over.
		t.Error(err)
	}
	wantState(t, f, a.Frames[0].ID, Eaten, 506)
	wantState(t, f, b.Frames[0].ID, Eaten, 506)
	if err := kill(b.Frames[0].ID[:5]); err != nil {
		t.Errorf("beginning of an id: %v", err)
	}
}

func TestKilledFrameThatSucceedsSucceeded(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, nil)
	o := book(t, f, "render01")
	if _, err := f.KillFrames([]string{o.FrameID}); err != nil {
		t.Fatal(err)
	}
	f.Complete(ended(o, 0, 0))
	wantState(t, f, o.FrameID, Succeeded, 0)
}
