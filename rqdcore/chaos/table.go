package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// result is what a run came to.
type result struct {
	seed             uint64
	faults           map[faultKind]int
	missed           map[faultKind]int
	took             time.Duration
	starts           int // Of a bare rqdcore.
	supervisors      int
	runs, accepted   int
	unclear, refused int
	kinds            map[string]int // Outcomes.
	completions      int
	duplicates       int
	changed, raced   int
	logs, lines      int
	probes, knocks   int64
	problems         []string
}

// add counts a run.
func (r *result) add(x *run) {
	switch x.stage {
	case accepted:
		r.accepted++
	case refused:
		r.refused++
	case launching, unclear:
		r.unclear++
	}
	r.duplicates += x.duplicates
	r.changed += x.changed
	switch {
	case x.first == nil:
	case x.first.status == 256:
		r.kinds["256, lost to the infrastructure"]++
	case x.first.status == 1 && x.first.signal == 9:
		r.kinds["(1, 9), killed"]++
	default:
		r.kinds["their own status"]++
	}
}

// print writes the tables, and last what was lost.
func (r result) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\tdone\twithout a victim")
	done, missed := 0, 0
	for _, kind := range slices.Sorted(maps.Keys(merged(r.faults, r.missed))) {
		fmt.Fprintf(t, "%s\t%d\t%d\n", kind, r.faults[kind], r.missed[kind])
		done, missed = done+r.faults[kind], missed+r.missed[kind]
	}
	fmt.Fprintf(t, "all\t%d\t%d\n\n", done, missed)
	for _, row := range []struct {
		what string
		n    int
	}{
		{"launches", r.runs},
		{"  accepted", r.accepted},
		{"  answer lost", r.unclear},
		{"  refused: an earlier run was not over", r.refused},
		{"starts of a bare rqdcore", r.starts},
		{"supervisors", r.supervisors},
		{"completions delivered", r.completions},
		{"  duplicates", r.duplicates},
		{"  duplicates that say something else", r.changed},
		{"  duplicates on the way at a new launch", r.raced},
		{"running frames asked for", int(r.probes)},
		{"  at the first instant of an RQD", int(r.knocks)},
		{"rqlogs checked", r.logs},
		{"  lines", r.lines},
	} {
		fmt.Fprintf(t, "%s\t%d\n", row.what, row.n)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.kinds)) {
		fmt.Fprintf(t, "ended as %s\t%d\n", kind, r.kinds[kind])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nseed %d, %v\n", r.seed, r.took.Round(time.Second))
	for _, p := range r.problems {
		fmt.Fprintf(w, "  %s\n", p)
	}
	_, err := fmt.Fprintf(w, "lost: %d\n", len(r.problems))
	return err
}

func merged(a, b map[faultKind]int) map[faultKind]int {
	out := maps.Clone(a)
	for k := range b {
		out[k] += 0
	}
	return out
}

// shallow says what a run of many faults was too small in to show anything.
func (r result) shallow() string {
	const many = 100
	injected := 0
	for _, n := range r.faults {
		injected += n
	}
	if injected >= many && (r.accepted < injected/2 || r.completions < injected/2 || r.lines < 1000 || r.probes < many) {
		return fmt.Sprintf("%d launches, %d completions, %d lines and %d answers about running frames under %d faults",
			r.accepted, r.completions, r.lines, r.probes, injected)
	}
	return ""
}
