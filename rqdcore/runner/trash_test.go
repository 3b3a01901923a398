package runner

import (
	"context"
	"slices"
	"testing"

	"rqdswarm/internal/engine/enginetest"
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

// TestLeftoversAreSwept finds what an RQD that died left behind, and leaves alone what a frame still needs.
func TestLeftoversAreSwept(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	needed, left := AdoptJob(s.job().Promise()), AdoptJob(s.job().Promise())
	s.leave(needed, enginetest.Script{Lifetime: -1})
	s.leave(left, enginetest.Script{Lifetime: -1})
	s.runner.hints.add(needed)
	if err := s.runner.discardLeftovers(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return len(s.containers()) == 1 }) || s.containers()[0].Name != needed.Promise().Container {
		t.Errorf("have %v, want only %s", s.containers(), needed.Promise().Container)
	}
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
