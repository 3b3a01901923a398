package report_test

import (
	"testing"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/report"
)

// TestOwes tells the runs of one frame apart: same frame, same resource, another dispatch.
func TestOwes(t *testing.T) {
	t.Parallel()
	d := &documents{}
	c := &completer{answer: hang}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		run := frame.Frame{ID: "f1", ResourceID: "r1", StartTime: 1000}
		if err := o.Add(frame.Completion{Running: frame.Running{Frame: run}}); err != nil {
			t.Fatal(err)
		}
		next, elsewhere, other := run, run, run
		next.StartTime, elsewhere.ResourceID, other.ID = 2000, "r2", "f2"
		for f, want := range map[*frame.Frame]bool{&run: true, &next: false, &elsewhere: false, &other: false} {
			if have := o.Owes(*f); have != want {
				t.Errorf("%+v: have %t, want %t", *f, have, want)
			}
		}
		if err := o.Drop("f1"); err != nil {
			t.Fatal(err)
		}
		if o.Owes(run) {
			t.Error("still owed after the drop")
		}
	})
}
