//go:build integration

package engine_test

import (
	"errors"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// TestDockerStopByHand drives the stop for engines that forget the time on one that does not.
func TestDockerStopByHand(t *testing.T) {
	t.Parallel()
	c := enginetest.Dial(t)
	for name, tc := range map[string]struct {
		trap string
		code int
	}{"obedient": {"exit 0", 0}, "deaf": {":", 137}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shell(t, c, "trap '"+tc.trap+"' HUP; echo ready; while :; do sleep 0.1; done")
			s.StopSignal = "SIGHUP"
			id, _, err := c.Create(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			ready := errors.New("ready")
			err = c.Logs(t.Context(), id, engine.LogOptions{Follow: true}, func(engine.LogLine) error { return ready })
			if !errors.Is(err, ready) {
				t.Fatal(err)
			}
			if err := c.StopByHand(t.Context(), id, time.Second); err != nil {
				t.Fatal(err)
			}
			found, err := c.Inspect(t.Context(), id)
			if err != nil || found.State != engine.StateExited || found.ExitCode != tc.code {
				t.Errorf("want it ended with %d, have %+v, %v", tc.code, found, err)
			}
		})
	}
}
