package suite

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tally is how many checks came out how.
type Tally struct{ Passed, Failed, Skipped int }

// All is the number of checks.
func (t Tally) All() int { return t.Passed + t.Failed + t.Skipped }

// String is the last line of a run.
func (t Tally) String() string {
	text := fmt.Sprintf("%d passed, %d failed", t.Passed, t.Failed)
	if t.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", t.Skipped)
	}
	return text
}

// Run makes all checks that the options ask for and hands over each outcome, in the order of their numbers.
func Run(ctx context.Context, s *Suite, each func(Outcome)) Tally {
	checks := Checks()
	if s.opts.Only != nil {
		checks = slices.DeleteFunc(checks, func(c Check) bool { return !s.opts.Only[c.Number] })
	}
	done := make(map[int]chan Outcome)
	for _, c := range checks {
		done[c.Number] = make(chan Outcome, 1)
	}
	order := slices.Clone(checks)
	if s.Parallel() > 1 {
		slices.SortStableFunc(order, func(a, b Check) int { return rank(a) - rank(b) })
	}
	queue := make(chan Check)
	var workers sync.WaitGroup
	for range s.Parallel() {
		workers.Go(func() {
			for c := range queue {
				done[c.Number] <- s.Perform(ctx, c)
			}
		})
	}
	workers.Go(func() {
		for _, c := range order {
			queue <- c
		}
		close(queue)
	})
	var t Tally
	for _, c := range checks {
		o := <-done[c.Number]
		t.add(o)
		each(o)
	}
	workers.Wait()
	return t
}

func rank(c Check) int {
	if c.Long {
		return 0
	}
	return 1
}

func (t *Tally) add(o Outcome) {
	switch {
	case len(o.Failed) > 0:
		t.Failed++
	case o.Skipped != "":
		t.Skipped++
	default:
		t.Passed++
	}
}

// Print writes the outcome: one line, and what was found below it.
func (o Outcome) Print(w io.Writer) {
	word := "passed"
	switch {
	case len(o.Failed) > 0:
		word = "FAILED"
	case o.Skipped != "":
		word = "skipped"
	}
	fmt.Fprintf(w, "%2d  %-7s  %6.1fs  %s\n", o.Check.Number, word, o.Took.Round(100*time.Millisecond).Seconds(), o.Check.Name)
	for _, text := range o.Failed {
		fmt.Fprintf(w, "    %s\n", indent(text))
	}
	if o.Skipped != "" && len(o.Failed) == 0 {
		fmt.Fprintf(w, "    %s\n", indent(o.Skipped))
	}
	for _, text := range o.Notes {
		fmt.Fprintf(w, "    note: %s\n", indent(text))
	}
}

func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n      ") }
