package runner

import (
	"context"
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
