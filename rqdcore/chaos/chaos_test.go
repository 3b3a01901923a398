//go:build integration

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"rqdswarm/internal/testprogram"
)

// TestChaos is a run of the real thing. The seed is the same each time: what it meets still differs.
func TestChaos(t *testing.T) {
	programs := map[string]string{"rqdswarm/rqdcore": "", "rqdswarm/supervisor": "", "rqdswarm/rqdcore/chaos": ""}
	for source := range programs {
		var err error
		// Without the race detector, which the other end-to-end tests have: it would take as long again.
		programs[source], err = testprogram.Build(t.TempDir(), source)
		if err != nil {
			t.Fatal(err)
		}
	}
	const limit = 25 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	run := exec.CommandContext(ctx, programs["rqdswarm/rqdcore/chaos"], "--faults", "200", "--seed", "20", "--keep", os.Getenv("CHAOS_KEEP"),
		"--rqdcore", programs["rqdswarm/rqdcore"], "--supervisor", programs["rqdswarm/supervisor"]) // #nosec G204 -- our own programs.
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) } // It cleans up.
	var table strings.Builder
	run.Stdout, run.Stderr = &table, os.Stderr
	if err := run.Run(); err != nil || !strings.HasSuffix(table.String(), "\nlost: 0\n") {
		t.Errorf("chaos: %v, have\n%s", err, &table)
	}
}
