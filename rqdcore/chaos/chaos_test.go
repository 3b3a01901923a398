//go:build integration

package main

import (
	"os"
	"strings"
	"testing"

	"rqdswarm/internal/testprogram"
)

// TestChaos is a run of the real thing. The seed is the same each time: what it meets still differs.
func TestChaos(t *testing.T) {
	o := options{faults: 200, seed: 20, slots: 8, keep: os.Getenv("CHAOS_KEEP")}
	for source, binary := range map[string]*string{"rqdswarm/rqdcore": &o.binary, "rqdswarm/supervisor": &o.supervisor} {
		var err error
		// Static, since each is alone in its image.
		*binary, err = testprogram.Build(t.TempDir(), source, "-race", "-tags=netgo,osusergo", "-ldflags=-linkmode=external -extldflags=-static")
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := try(t.Context(), o, os.Stderr)
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
	if r.accepted < 50 || r.completions < 50 || r.lines < 1000 || r.probes < 50 || r.knocks < 10 {
		t.Errorf("hardly anything happened, so nothing is shown:\n%s", &text)
	}
}
