package runner

import (
	"context"
	"slices"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
)

// TestEndingRQDEmptiesItsTrash discards a container at the very end.
func TestEndingRQDEmptiesItsTrash(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := AdoptJob(s.job().Promise())
	s.leave(j, enginetest.Script{Lifetime: -1})
	r := New(s.runner.cfg) // One whose sweepers have not begun.
	r.Discard(j)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if left := s.containers(); len(left) != 0 {
		t.Errorf("have %v, want none", left)
	}
}

// TestContainerIsRemovedWhenItHasEnded discards one whose frameinit has said its last word and is not gone yet, or is.
func TestContainerIsRemovedWhenItHasEnded(t *testing.T) {
	t.Parallel()
	for name, early := range map[string]bool{"ends after": false, "ends before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			j := s.job()
			done := s.run(j)
			init := s.connect(hello(j, wire.PhaseWaiting))
			init.want(isOrder)
			init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}})
			receiveExit(t, done)
			end := func() { s.engine.Exit(j.Promise().Container, 0) }
			if early {
				end()
				if !eventually(j.dead.Load) {
					t.Fatal("RQD has not heard of the container's end")
				}
			}
			events, _ := s.engine.Events(t.Context(), nil)
			s.runner.Discard(j)
			if !early {
				time.Sleep(50 * time.Millisecond) // What must not come would come now.
				end()
			}
			for e := range events {
				if e.Action == "kill" {
					t.Fatal("the container was killed before it could end")
				}
				if e.Action == "destroy" {
					break
				}
			}
			s.runner.trash.mu.Lock()
			defer s.runner.trash.mu.Unlock()
			if n := len(s.runner.trash.dying); n != 0 {
				t.Errorf("%d containers are still waited for", n)
			}
		})
	}
}

// TestLeftoversAreSwept finds what an RQD that died left behind, and leaves alone what a frame still needs.
func TestLeftoversAreSwept(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	needed, left := AdoptJob(s.job().Promise()), AdoptJob(s.job().Promise())
	s.leave(needed, enginetest.Script{Lifetime: -1})
	s.leave(left, enginetest.Script{Lifetime: -1})
	s.runner.hints.add(needed)
	foreign := s.create(map[string]string{LabelRole: RoleFrame, LabelHost: "render02"})
	query := s.create(map[string]string{LabelRole: RoleGPUQuery})
	if err := s.runner.discardLeftovers(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return len(s.all()) == 2 }) {
		t.Errorf("have %v, want only %s and %s", s.all(), needed.Promise().Container, foreign)
	}
	for _, c := range s.all() {
		if c.Name != needed.Promise().Container && c.ID != foreign {
			t.Errorf("container %s is still there; the leftovers were %s and %s", c.Name, left.Promise().Container, query)
		}
	}
}

// create makes a container that is no job's.
func (s *stage) create(labels map[string]string) (id string) {
	s.t.Helper()
	id, _, err := s.engine.Create(s.t.Context(), engine.Spec{Image: "rocky9:1", Labels: labels})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *stage) all() []engine.Container {
	s.t.Helper()
	list, err := s.engine.List(s.t.Context(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// TestFrameinitsArePruned keeps what a container of any host name was started from, and RQD's own.
func TestFrameinitsArePruned(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leaveCreated(AdoptJob(s.job().Promise()), enginetest.Script{})
	cfg := s.runner.cfg
	old := cfg.Policy.FrameInit
	cfg.Policy.HostName, cfg.Policy.FrameInit = "render02", "frameinit-new"
	var used []string
	cfg.Prune = func(names []string) ([]string, error) { used = names; return nil, nil }
	if err := New(cfg).pruneFrameInits(t.Context()); err != nil || !slices.Equal(used, []string{"frameinit-new", old}) {
		t.Errorf("have %v (%v), want the new and the old one", used, err)
	}
}
