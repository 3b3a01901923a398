//go:build integration

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestBench runs the whole program with the smallest numbers, on a real engine. Its figures are not looked at, only
// that there are some: what they are depends on who else uses the machine.
func TestBench(t *testing.T) {
	o := quick()
	o.binary, o.supervisor, o.out = "../../bin/rqdcore", "../../bin/supervisor", t.TempDir()
	o.image = "rqd-frame-debian12:dev"
	o.rounds, o.frames, o.atOnce, o.logBytes = 1, 5, []int{2}, 1_000_000
	o.levels, o.watch, o.settle, o.adopted = []int{0, 2}, time.Second, 100*time.Millisecond, 2
	if err := measure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(o.out, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if want := 17; len(r.Figures) < want {
		t.Errorf("want at least %d figures, have %d", want, len(r.Figures))
	}
	for _, f := range r.Figures {
		if len(f.Series) == 0 {
			t.Errorf("nothing was measured of: %s", f.Name)
		}
		for _, s := range f.Series {
			for _, v := range s.Samples {
				if v < 0 {
					t.Errorf("%s of %s: have %v", f.Name, s.Subject, v)
				}
			}
		}
	}
}
