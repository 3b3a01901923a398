//go:build integration

package main_test

import (
	"path/filepath"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/rqdcore/minicue/farm"
)

// TestEngineRestarts ends the engine under a running frame, as an upgrade and as a crash do. A
// frame that goes down with it is the infrastructure's loss; with live restore it goes on.
func TestEngineRestarts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		live bool
		end  func(*enginetest.Daemon) error
		want int32
	}{
		"stopped":               {false, (*enginetest.Daemon).Stop, 256},
		"killed":                {false, (*enginetest.Daemon).Kill, 256},
		"stopped, live restore": {true, (*enginetest.Daemon).Stop, 5},
		"killed, live restore":  {true, (*enginetest.Daemon).Kill, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, daemon := studioOfItsOwn(t, enginetest.DaemonOptions{LiveRestore: tc.live})
			gate := filepath.Join(s.dir, "gate")
			job := s.submit(farm.Job{Command: "echo started; while ! test -e " + gate + "; do sleep 0.05; done; exit 5"})
			s.logged(job, "started\n")
			if err := tc.end(daemon); err != nil {
				t.Fatal(err)
			}
			if err := daemon.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			touch(t, gate)
			if f := s.finish(job)[0]; f.Status != tc.want {
				t.Errorf("have status %d, want %d", f.Status, tc.want)
			}
			if !await(func() bool { r := s.report(); return len(r.Frames) == 0 && r.CoreInfo.IdleCores == 800 }) {
				t.Errorf("have %v, want nothing booked", s.report())
			}
		})
	}
}

// studioOfItsOwn is a studio on an engine of its own.
func studioOfItsOwn(t *testing.T, o enginetest.DaemonOptions) (*studio, *enginetest.Daemon) {
	t.Helper()
	daemon, err := enginetest.NewDaemon(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := daemon.Close(); err != nil {
			t.Error(err)
		}
	})
	client, err := engine.Dial(t.Context(), engine.Options{Host: daemon.Host()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if _, err := enginetest.BusyboxOn(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	s := closedStudio(t, "")
	s.docker, s.env = client, []string{"DOCKER_HOST=" + daemon.Host()}
	s.start()
	return s, daemon
}
