package farm

import (
	"fmt"
	"testing"
	"time"
)

// clock is a time that only moves when told to.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newFarm(t *testing.T) (*Farm, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	n := 0
	return New(Config{Now: c.Now, LogRoot: "/logs", NewID: func() string {
		n++
		return fmt.Sprintf("id-%03d", n)
	}}), c
}

// machine is a host of four cores and 16 GiB with the two images.
func machine(name string) Machine {
	return Machine{
		Name: name, Sockets: 1, CoresPerProc: 400, State: Up,
		TotalMemory: 16 * gibibyte, FreeMemory: 8 * gibibyte, TotalMCP: 1000, FreeMCP: 500,
		Attributes: map[string]string{"SP_OS": "rocky9,centos7", "swapout": "0"},
	}
}

func boot(t *testing.T, f *Farm, name string) {
	t.Helper()
	if out := f.Boot(Report{Machine: machine(name)}); len(out.Problems) > 0 {
		t.Fatalf("boot of %s: %v", name, out.Problems)
	}
}

func testJob(change func(*Job)) Job {
	j := Job{
		Show: "demo", Shot: "sh010", User: "artist", Name: "test", Layer: "render",
		Command: "render #IFRAME#", Range: "1", Cores: 100, Memory: 1024 * 1024,
	}
	if change != nil {
		change(&j)
	}
	return j
}

func submit(t *testing.T, f *Farm, change func(*Job)) JobView {
	t.Helper()
	v, err := f.Submit(testJob(change))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func book(t *testing.T, f *Farm, host string) Order {
	t.Helper()
	o, ok := f.Book(host)
	if !ok {
		t.Fatalf("want a frame booked on %s, have none: %q", host, f.Frames()[0].Waiting)
	}
	return o
}

func bookNothing(t *testing.T, f *Farm, host string) {
	t.Helper()
	if o, ok := f.Book(host); ok {
		t.Fatalf("want nothing booked on %s, have %s", host, o.FrameName)
	}
}

// ended is the completion that an RQD sends for the order.
func ended(o Order, status, signal int32) Completion {
	m := machine(o.Host)
	return Completion{Machine: &m, Frame: listed(o), Status: status, Signal: signal, RunTime: 1}
}

func listed(o Order) Running {
	return Running{ResourceID: o.ResourceID, FrameID: o.FrameID, LayerID: o.LayerID, Name: o.FrameName, StartTime: o.StartTime}
}

func frameOf(t *testing.T, f *Farm, id string) FrameView {
	t.Helper()
	for _, fr := range f.Frames() {
		if fr.ID == id {
			return fr
		}
	}
	t.Fatalf("frame %s is not listed", id)
	return FrameView{}
}

func wantState(t *testing.T, f *Farm, id string, want State, status int32) {
	t.Helper()
	if have := frameOf(t, f, id); have.State != want || have.Status != status {
		t.Errorf("frame: want %s with status %d, have %s with %d", want, status, have.State, have.Status)
	}
}

func kinds(t *testing.T, f *Farm, job string) string {
	t.Helper()
	page, err := f.Events(job, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for i, e := range page.Events {
		if i > 0 {
			out += " "
		}
		out += string(e.Kind)
	}
	return out
}
