//go:build integration

package main

import (
	"os"
	"strings"
	"testing"

	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/testprogram"
)

// TestChaos is a short run of the real thing. The seed is the same each time: what it meets still differs.
func TestChaos(t *testing.T) {
	enginetest.Dial(t)
	binary, err := testprogram.Build(t.TempDir(), "rqdswarm/rqdcore", "-race")
	if err != nil {
		t.Fatal(err)
	}
	keep := os.Getenv("CHAOS_KEEP")
	r, err := try(t.Context(), options{faults: 40, seed: 20, slots: 4, binary: binary, image: enginetest.Busybox(t), keep: keep}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.print(&text); err != nil {
		t.Fatal(err)
	}
	if len(r.problems) > 0 {
		t.Errorf("have\n%s", &text)
	}
	if r.accepted < 10 || r.completions < 10 || r.lines < 100 || r.probes < 10 {
		t.Errorf("hardly anything happened, so nothing is shown:\n%s", &text)
	}
}
