package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestStateMatrix holds every state against every input. A change of the table shows up here as one line.
func TestStateMatrix(t *testing.T) {
	t.Parallel()
	inputs := []string{"ordered", "launched", "launchFailed", "endWanted", "commandExited", "nothingLeft", "deadlinePassed", "logWritten"}
	var have strings.Builder
	for s := waiting; s <= done; s++ {
		for in, name := range inputs {
			to := "-"
			if next := s.next(input(in)); next != s {
				to = next.String()
			}
			fmt.Fprintf(&have, "%-10s %-15s %s\n", s, name, to)
		}
	}
	want, err := os.ReadFile("testdata/states.txt")
	if err != nil {
		t.Fatal(err)
	}
	if have.String() != string(want) {
		t.Errorf("have\n%s\nwant\n%s", have.String(), want)
	}
}

// Whatever happens, a frame only ever gets closer to its end.
func TestStateNeverGoesBack(t *testing.T) {
	t.Parallel()
	for tr, to := range transitions {
		// The order of the constants is the order of a life.
		if to <= tr.from {
			t.Errorf("from %s to %s", tr.from, to)
		}
	}
}
