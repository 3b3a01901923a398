//go:build integration

package enginetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// TestDaemon stops, kills and freezes engines of its own under a container each.
func TestDaemon(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		liveRestore bool
		end         func(*enginetest.Daemon) error
		runsOn      bool
	}{
		"stop":               {false, (*enginetest.Daemon).Stop, false},
		"kill":               {false, (*enginetest.Daemon).Kill, false},
		"stop, live restore": {true, (*enginetest.Daemon).Stop, true},
		"kill, live restore": {true, (*enginetest.Daemon).Kill, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDaemon(t, enginetest.DaemonOptions{LiveRestore: tc.liveRestore})
			id := sleeper(t, dialDaemon(t, d))
			if err := tc.end(d); err != nil {
				t.Fatal(err)
			}
			if _, err := engine.Dial(t.Context(), engine.Options{Host: d.Host()}); !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("while it is away: have %v, want %v", err, engine.ErrUnavailable)
			}
			if err := d.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			c, err := dialDaemon(t, d).Inspect(t.Context(), id)
			if err != nil || (c.State == engine.StateRunning) != tc.runsOn {
				t.Errorf("have state %s (%v), want that it runs: %t", c.State, err, tc.runsOn)
			}
		})
	}
}

func TestDaemonFreezes(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, enginetest.DaemonOptions{})
	client := dialDaemon(t, d)
	if err := d.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	if err := client.Ping(ctx); err == nil {
		t.Error("a frozen daemon answers")
	}
	if err := d.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func startDaemon(t *testing.T, o enginetest.DaemonOptions) *enginetest.Daemon {
	t.Helper()
	d, err := enginetest.NewDaemon(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func dialDaemon(t *testing.T, d *enginetest.Daemon) *engine.Client {
	t.Helper()
	client, err := engine.Dial(t.Context(), engine.Options{Host: d.Host()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func sleeper(t *testing.T, client *engine.Client) (id string) {
	t.Helper()
	image, err := enginetest.BusyboxOn(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	id, _, err = client.Create(t.Context(), engine.Spec{
		Image: image, Cmd: []string{"sleep", "300"}, StopSignal: "SIGKILL", Namespaces: engine.Namespaces{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return id
}
