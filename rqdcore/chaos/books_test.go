package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func entered(b *books, id string, start int64) *run {
	r := &run{id: id, frameID: "frame", resource: "proc", start: start, work: work{lines: 1, status: 3}}
	b.open(r)
	b.accept(r)
	return r
}

func report(start int64, status, signal int32) completion {
	return completion{frameID: "frame", resource: "proc", start: start, outcome: outcome{status: status, signal: signal, at: time.Now()}}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  func(*run)
		with completion
		want string
	}{
		"its own status":              {func(*run) {}, report(1, 3, 0), ""},
		"another status":              {func(*run) {}, report(1, 0, 0), "outcome (0, 0), want (3, 0)"},
		"lost without a reason":       {func(*run) {}, report(1, 256, 0), "outcome (256, 0)"},
		"lost with its container":     {func(r *run) { r.struck = "docker rm" }, report(1, 256, 0), ""},
		"killed":                      {func(r *run) { r.killSent = true }, report(1, 1, 9), ""},
		"killed by nobody":            {func(*run) {}, report(1, 1, 9), "outcome (1, 9)"},
		"never ended":                 {func(*run) {}, completion{frameID: "other"}, "no outcome"},
		"endless one ended by itself": {func(r *run) { r.work = work{} }, report(1, 0, 0), "outcome (0, 0)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks()
			r := entered(b, "a", 1)
			tc.set(r)
			b.complete(tc.with)
			if have := r.judge(); !strings.HasPrefix(have, tc.want) || (have == "") != (tc.want == "") {
				t.Errorf("have %q, want %q", have, tc.want)
			}
		})
	}
}

func TestStaleCompletion(t *testing.T) {
	t.Parallel()
	b := newBooks()
	entered(b, "a", 1)
	b.complete(report(1, 3, 0))
	second := entered(b, "b", 2)
	b.complete(report(1, 3, 0))
	if len(b.problems) != 0 || b.raced != 1 {
		t.Errorf("under way when the next launch was accepted: have problems %v, %d raced, want one raced", b.problems, b.raced)
	}
	second.acceptedAt = second.acceptedAt.Add(-time.Minute)
	b.complete(report(1, 3, 0))
	if len(b.problems) != 1 || !strings.Contains(b.problems[0], "would have ended") {
		t.Errorf("sent after the next launch: have problems %v, want one", b.problems)
	}
	if second.first != nil {
		t.Error("the old run's end was entered for the new one")
	}
}

// TestChangedCompletion has a run end twice, and differently.
func TestChangedCompletion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, then completion
		between     func(*books, *run)
		fine        bool
	}{
		"the same":                         {report(1, 3, 0), report(1, 3, 0), func(*books, *run) {}, true},
		"lost for no reason":               {report(1, 3, 0), report(1, 256, 0), func(*books, *run) {}, false},
		"lost with its container":          {report(1, 3, 0), report(1, 256, 0), func(b *books, _ *run) { b.sweep() }, true},
		"found again":                      {report(1, 256, 0), report(1, 3, 0), func(b *books, _ *run) { b.sweep() }, false},
		"killed after its end":             {report(1, 3, 0), report(1, 1, 9), func(_ *books, r *run) { r.killSent = true }, false},
		"killed, and its container pruned": {report(1, 3, 0), report(1, 1, 9), func(b *books, r *run) { r.killSent = true; b.sweep() }, true},
	} {
		b := newBooks()
		r := entered(b, "a", 1)
		b.complete(tc.first)
		tc.between(b, r)
		b.complete(tc.then)
		if len(b.problems) == 0 != tc.fine {
			t.Errorf("%s: have problems %v, want none %t", name, b.problems, tc.fine)
		}
	}
}

func TestUnknownCompletion(t *testing.T) {
	t.Parallel()
	b := newBooks()
	b.complete(report(9, 0, 0))
	if len(b.problems) != 1 {
		t.Errorf("have problems %v, want one", b.problems)
	}
}

func TestScheduleRepeats(t *testing.T) {
	t.Parallel()
	have, again, other := planned(7, 200), planned(7, 200), planned(8, 200)
	if !slices.Equal(have.ground, again.ground) || !slices.Equal(have.surface, again.surface) {
		t.Error("one seed gave two schedules")
	}
	if slices.Equal(have.ground, other.ground) || slices.Equal(have.surface, other.surface) {
		t.Error("two seeds gave one schedule")
	}
	if n := len(have.ground) + len(have.surface); n != 200 {
		t.Errorf("have %d faults, want 200", n)
	}
	seen := map[bool]map[faultKind]bool{false: {}, true: {}}
	for _, f := range slices.Concat(have.ground, have.surface) {
		seen[f.kept][f.kind] = true
	}
	for _, s := range slices.Concat(surface(), bareGround()) {
		if !seen[false][s.kind] {
			t.Errorf("200 faults without %q", s.kind)
		}
	}
	for _, s := range keptGround() {
		if !seen[true][s.kind] {
			t.Errorf("200 faults without %q under a supervisor", s.kind)
		}
	}
	a, b := newWorks(7, 3), newWorks(7, 3)
	for range 50 {
		if x, y := a.next(), b.next(); x != y {
			t.Fatalf("one seed gave two works: %+v and %+v", x, y)
		}
	}
}
