package reconcile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file")

// everyObservation calls do with all combinations of what Decide looks at.
func everyObservation(do func(Observation)) {
	bools := []bool{false, true}
	for current := Absent; current <= Removing; current++ {
		for ending := Staying; ending <= AtOnce; ending++ {
			for bits := range 1 << 8 {
				bit := func(n int) bool { return bools[bits>>n&1] }
				do(Observation{
					Current: current, Ending: ending, Newer: bit(0), Older: bit(1), Resolved: bit(2),
					Next: bit(3), Retired: bit(4), Litter: bit(5), Lingered: bit(6), Stopping: bit(7),
				})
			}
		}
	}
}

// TestDecideMatrix compares the whole matrix with its golden file, one line per combination that matters to people: who is
// there, what has RQD's name, whether the next is ready and the old one retired, and how the end was asked for.
func TestDecideMatrix(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	everyObservation(func(o Observation) {
		if !o.Resolved || o.Litter || o.Stopping || (o.Lingered && o.Ending != Gracefully) {
			return // Held by the invariants below.
		}
		fmt.Fprintf(&b, "%-13s next=%-5v retired=%-5v ending=%-10s lingered=%-5v newer=%-5v older=%-5v -> %s\n",
			o.Current, o.Next, o.Retired, o.Ending, o.Lingered, o.Newer, o.Older, Decide(o))
	})
	golden := filepath.Join("testdata", "matrix.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("matrix (-want +have):\n%s", diff)
	}
}

// TestDecideInvariants holds what must be true of every single combination.
func TestDecideInvariants(t *testing.T) {
	t.Parallel()
	oneOf := func(s Step, steps ...Step) bool {
		for _, want := range steps {
			if s == want {
				return true
			}
		}
		return false
	}
	for name, holds := range map[string]func(o Observation, s Step) bool{
		"only the newest acts": func(o Observation, s Step) bool {
			return !o.Newer || oneOf(s, StandBy, Linger, Leave) || (s == Stop && o.Stopping)
		},
		"a foreign container is never touched": func(o Observation, s Step) bool {
			return o.Current != Foreign || !oneOf(s, Retire, Promote, Start, Discard, Prepare, Resolve, Sweep, StopRetired)
		},
		"the old one stays until the next is complete": func(o Observation, s Step) bool {
			return s != Retire || o.Next
		},
		"nothing is compared before the image is known": func(o Observation, s Step) bool {
			return o.Resolved || !oneOf(s, Retire, Promote, Start, Prepare, Sweep)
		},
		"only the last supervisor stops rqd": func(o Observation, s Step) bool {
			return !oneOf(s, Stop, Kill) || (!o.Newer && !o.Older) || (s == Stop && o.Stopping)
		},
		"rqd is stopped before the last supervisor ends": func(o Observation, s Step) bool {
			return s != Finish || (!o.Current.runs() && !o.Retired)
		},
		"rqd is stopped for an ending only": func(o Observation, s Step) bool {
			return !oneOf(s, Stop, Kill, Leave, Finish, Linger) || o.Ending != Staying
		},
		"kill is for the second signal": func(o Observation, s Step) bool {
			return s != Kill || o.Ending == AtOnce
		},
		"the second signal waits for nothing": func(o Observation, s Step) bool {
			return o.Ending != AtOnce || oneOf(s, Kill, Leave, Finish)
		},
		"an rqd of the wanted spec that runs is never replaced": func(o Observation, s Step) bool {
			return o.Current != Running || !oneOf(s, Retire, Discard, Promote, Start, Prepare)
		},
		"rqd is started only when no other runs": func(o Observation, s Step) bool {
			return s != Start || (o.Current == Created && !o.Retired)
		},
		"only what does not run is discarded": func(o Observation, s Step) bool {
			return s != Discard || !o.Current.runs()
		},
		"litter does not delay rqd": func(o Observation, s Step) bool {
			return s != Sweep || o.Current == Running
		},
	} {
		everyObservation(func(o Observation) {
			if s := Decide(o); !holds(o, s) {
				t.Errorf("%s: broken by %s for %+v", name, s, o)
			}
		})
	}
}

// after is a model of what a step that succeeds changes.
func after(o Observation, s Step) Observation {
	switch s {
	case Resolve:
		o.Resolved = true
	case Prepare:
		o.Next = true
	case Retire:
		o.Retired, o.Current = true, Absent
	case Promote:
		o.Next, o.Current = false, Created
	case StopRetired:
		o.Retired, o.Litter = false, true
	case Start:
		o.Current = Running
	case Discard:
		o.Current = Absent
	case Sweep:
		o.Litter, o.Next = false, false
	case Stop, Kill:
		o.Stopping = false
		o.Retired = false
		if o.Current.runs() {
			o.Current = Exited
		}
	case Wait:
		o.Current = Absent
	case Linger:
		o.Lingered = true
	}
	return o
}

// TestDecideConverges walks from every combination and must come to rest: with RQD running as wanted, standing by, or ended.
func TestDecideConverges(t *testing.T) {
	t.Parallel()
	const enough = 12
	everyObservation(func(start Observation) {
		o := start
		for range enough {
			s := Decide(o)
			if s.Final() || s == StandBy {
				return
			}
			if s == Watch {
				if o.Retired || o.Litter || o.Next {
					t.Errorf("from %+v: watching, but not tidy: %+v", start, o)
				}
				return
			}
			o = after(o, s)
		}
		t.Errorf("from %+v: no rest after %d steps, at %s", start, enough, Decide(o))
	})
}

// TestDecideTakeOver spells the important paths out as people tell them.
func TestDecideTakeOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from Observation
		want []Step
	}{
		"first start":                        {Observation{}, []Step{Resolve, Prepare, Promote, Start, Watch}},
		"adoption":                           {Observation{Current: Running}, []Step{Resolve, Watch}},
		"new image":                          {Observation{Current: RunningOther}, []Step{Resolve, Prepare, Retire, Promote, StopRetired, Start, Sweep, Watch}},
		"died between rename and stop":       {Observation{Current: Created, Retired: true}, []Step{Resolve, StopRetired, Start, Sweep, Watch}},
		"asked to end, alone":                {Observation{Current: Running, Ending: Gracefully}, []Step{Stop, Finish}},
		"asked to end in a replacement":      {Observation{Current: Created, Retired: true, Ending: Gracefully}, []Step{Stop, Finish}},
		"asked to end, newer took over":      {Observation{Current: Running, Ending: Gracefully, Newer: true}, []Step{Linger, Leave}},
		"asked to end, older takes it back":  {Observation{Current: Running, Ending: Gracefully, Older: true}, []Step{Leave}},
		"newer one came during our stop":     {Observation{Current: Running, Ending: Gracefully, Newer: true, Stopping: true}, []Step{Stop, Linger, Leave}},
		"asked twice":                        {Observation{Current: Running, Ending: AtOnce}, []Step{Kill, Finish}},
		"rqd ended by itself":                {Observation{Current: Ended, Resolved: true}, []Step{Follow}},
		"rqd ended while the older stops it": {Observation{Current: Adopted, Resolved: true, Older: true}, []Step{Discard, Prepare, Promote, Start, Watch}},
		"foreign container":                  {Observation{Current: Foreign}, []Step{Refuse}},
		"sick rqd adopted":                   {Observation{Current: Unhealthy}, []Step{Resolve, Prepare, Retire, Promote, StopRetired, Start, Sweep, Watch}},
	} {
		var have []Step
		for o := c.from; len(have) < 12; {
			s := Decide(o)
			have = append(have, s)
			if s.Final() || s == Watch || s == StandBy {
				break
			}
			o = after(o, s)
		}
		if diff := cmp.Diff(c.want, have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", name, diff)
		}
	}
}
