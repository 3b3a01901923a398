package farm

import (
	"strings"
	"testing"
)

func TestNextFrameFollowsOnTheSameResource(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	j := submit(t, f, func(j *Job) { j.Range = "1-3" })
	first := book(t, f, "render01")
	v := f.Complete(ended(first, 0, 0))
	if !v.Follows || v.Next.ResourceID != first.ResourceID || v.Next.FrameName != "0002-render" || v.State != Succeeded {
		t.Fatalf("want frame 2 on the same resource, have %+v", v)
	}
	third := f.Complete(ended(v.Next, 0, 0)).Next
	last := f.Complete(ended(third, 0, 0))
	if last.Follows || !last.Freed {
		t.Errorf("after the last frame: want the resource freed, have %+v", last)
	}
	if have := f.Hosts()[0]; have.Booked != 0 || have.Frames != 0 {
		t.Errorf("want nothing booked, have %s cores, %d frames", have.Booked, have.Frames)
	}
	page, _ := f.Events(j.ID, 0)
	if want, have := "started done started done started done", kinds(t, f, j.ID); want != have || !page.Over {
		t.Errorf("events: want %q and over, have %q, over %t", want, have, page.Over)
	}
}

func TestRetryIsTheSameFrameOnTheSameResource(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t) // The clock stands still: start times must differ all the same.
	boot(t, f, "render01")
	submit(t, f, func(j *Job) { j.Retries = 1 })
	first := book(t, f, "render01")
	v := f.Complete(ended(first, 3, 0))
	if !v.Follows || v.Next.FrameID != first.FrameID || v.Next.ResourceID != first.ResourceID || v.Next.StartTime <= first.StartTime {
		t.Fatalf("want the frame again with a later start time, have %+v", v)
	}
	if v := f.Complete(ended(v.Next, 3, 0)); v.State != Dead {
		t.Errorf("second failure: want DEAD, have %s", v.State)
	}
}

// TestWhenTheResourceIsGivenUp has the cases of contract 5.4, "proc fate".
func TestWhenTheResourceIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Completion)
		before func(*Farm)
		keep   bool
	}{
		"succeeded":         {change: func(*Completion) {}, keep: true},
		"failed, to retry":  {change: func(c *Completion) { c.Status = 3 }, keep: true},
		"failed launch":     {change: func(c *Completion) { c.Status = 256 }},
		"memory failure":    {change: func(c *Completion) { c.Status = 137 }},
		"too long":          {change: func(c *Completion) { c.Status, c.RunTime = 1, 50000 }},
		"no host in it":     {change: func(c *Completion) { c.Machine = nil }},
		"hardly any memory": {change: func(c *Completion) { c.Machine.FreeMemory = 1 }},
		"nimby locked":      {change: func(c *Completion) { c.Machine.NimbyLocked = true }},
		"host locked":       {change: func(*Completion) {}, before: func(f *Farm) { _ = f.Lock("render01", Locked) }},
		"host down": {change: func(*Completion) {}, before: func(f *Farm) {
			m := machine("render01")
			m.State = Down
			f.Report(Report{Machine: m})
		}},
		"host refused another frame": {change: func(*Completion) {}, before: func(f *Farm) {
			o, _ := f.Book("render01")
			f.Refused(o, "no cores")
		}, keep: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := newFarm(t)
			boot(t, f, "render01")
			submit(t, f, func(j *Job) { j.Range, j.Retries = "1-9", 5 })
			o := book(t, f, "render01")
			if c.before != nil {
				c.before(f)
			}
			done := ended(o, 0, 0)
			c.change(&done)
			v := f.Complete(done)
			if v.Ignored != "" || v.Follows != c.keep {
				t.Errorf("want the resource kept %t, have %+v", c.keep, v)
			}
			if booked := f.Hosts()[0].Booked > 0; booked != c.keep {
				t.Errorf("want cores booked %t, have %t", c.keep, booked)
			}
		})
	}
}

// TestCompletionsThatChangeNothing has the cases of contract 5.6.
func TestCompletionsThatChangeNothing(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, func(j *Job) { j.Range = "1-2" })
	first := book(t, f, "render01")
	next := f.Complete(ended(first, 0, 0)).Next
	for name, c := range map[string]struct {
		change func(*Completion)
		why    string
	}{
		"sent again":     {func(c *Completion) { *c = ended(first, 0, 0) }, "runs frame 0002-render now"},
		"no resource id": {func(c *Completion) { c.Frame.ResourceID = "" }, "missing"},
		"no frame id":    {func(c *Completion) { c.Frame.FrameID = "" }, "missing"},
		"no layer id":    {func(c *Completion) { c.Frame.LayerID = "" }, "missing"},
		"other layer":    {func(c *Completion) { c.Frame.LayerID = "x" }, "layer x"},
		"unknown frame":  {func(c *Completion) { c.Frame.FrameID = "x" }, "unknown"},
		"other resource": {func(c *Completion) { c.Frame.ResourceID = "x" }, "resource x is gone"},
	} {
		done := ended(next, 0, 0)
		c.change(&done)
		if v := f.Complete(done); !strings.Contains(v.Ignored, c.why) {
			t.Errorf("%s: want it ignored with %q, have %+v", name, c.why, v)
		}
	}
	wantState(t, f, next.FrameID, InFlight, -1)
	if v := f.Complete(ended(next, 0, 0)); v.State != Succeeded {
		t.Errorf("the right one: want SUCCEEDED, have %+v", v)
	}
	if v := f.Complete(ended(next, 3, 0)); !strings.Contains(v.Ignored, "is gone") {
		t.Errorf("after the end: want it ignored, have %+v", v)
	}
	wantState(t, f, next.FrameID, Succeeded, 0)
}

// TestOldCompletionStopsTheNewRun is the hazard seen with a real Cuebot: the start time is not compared.
func TestOldCompletionStopsTheNewRun(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, func(j *Job) { j.Retries = 1 })
	first := book(t, f, "render01")
	f.Complete(ended(first, 3, 0))
	if v := f.Complete(ended(first, 0, 0)); v.State != Succeeded {
		t.Errorf("want the new run marked SUCCEEDED by the old report, have %+v", v)
	}
}

func TestMemoryFollowsTheFrames(t *testing.T) {
	t.Parallel()
	const mib = 1024
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, func(j *Job) { j.Range, j.Memory = "1-9", 4096*mib })
	o := book(t, f, "render01")
	limits := func(o Order, soft, hard int64) {
		t.Helper()
		if o.SoftMemory != soft || o.HardMemory != hard {
			t.Errorf("limits: want %d and %d KiB, have %d and %d", soft, hard, o.SoftMemory, o.HardMemory)
		}
	}
	limits(o, 4096*mib*16/10, 8192*mib)

	done := ended(o, 0, 0)
	done.Frame.MaxRSS = 1000 * mib
	o = f.Complete(done).Next
	limits(o, 1256*mib*16/10, 2512*mib) // What was used and 256 MiB.

	o = f.Complete(ended(o, 0, 0)).Next // 0 reported: the layer's maximum stays.
	limits(o, 1256*mib*16/10, 2512*mib)

	v := f.Complete(ended(o, 137, 0))
	if v.Follows || v.State != Waiting {
		t.Fatalf("memory failure: want it WAITING and the resource given up, have %+v", v)
	}
	o = book(t, f, "render01")
	limits(o, 6144*mib*16/10, 12288*mib) // What was reserved and 2 GiB.

	done = ended(o, 0, 0)
	done.Frame.MaxRSS = 1
	o = f.Complete(done).Next
	limits(o, 6144*mib*16/10, 12288*mib) // Never lowered again.
}

func TestMaxRunsBoundsWhatCuebotTriesForEver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ status, signal int32 }{{137, 0}, {286, 0}, {1, 33}} {
		f, _ := newFarm(t)
		boot(t, f, "render01")
		j := submit(t, f, func(j *Job) { j.MaxRuns = 1 })
		o := book(t, f, "render01")
		if v := f.Complete(ended(o, c.status, c.signal)); v.State != Dead {
			t.Errorf("(%d,%d): want DEAD after one run, have %s", c.status, c.signal, v.State)
		}
		if have := kinds(t, f, j.ID); have != "started failed" {
			t.Errorf("events: want started failed, have %s", have)
		}
	}
}

func TestCompletionMayOvertakeTheReplyToItsOrder(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	j := submit(t, f, nil)
	o := book(t, f, "render01")
	f.Complete(ended(o, 0, 0))
	f.Launched(o)
	if k := f.Refused(o, "deadline exceeded"); k.FrameID != o.FrameID {
		t.Error("want the kill all the same")
	}
	wantState(t, f, o.FrameID, Succeeded, 0)
	if have := kinds(t, f, j.ID); have != "started done" {
		t.Errorf("events: want started done, have %s", have)
	}
}

func TestFailedFrameGoesBackToItsPlace(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, func(j *Job) { j.Range, j.Retries = "10,2,30", 1 })
	first := book(t, f, "render01")
	v := f.Complete(ended(first, 3, 0))
	if v.Next.FrameName != "0010-render" {
		t.Errorf("want the frame before those behind it in the range, have %s", v.Next.FrameName)
	}
}
