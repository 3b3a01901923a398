package host_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/machine"
)

func (s *stage) show(cards ...machine.GPU) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cards = cards
}

// TestCards books cards that a slow driver shows late, and follows what a frame uses of its own.
func TestCards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		f := order("f1", "r1", 100)
		f.GPUs = 2
		if err := s.host.Launch(t.Context(), f); !errors.Is(err, frame.ErrNoResources) {
			t.Errorf("before the cards answer: have %v, want %v", err, frame.ErrNoResources)
		}
		s.show(machine.GPU{ID: 0, Total: 1000, Free: 900}, machine.GPU{ID: 1, Total: 1000, Free: 300}, machine.GPU{ID: 3, Total: 1000, Free: 1000})
		if err := s.host.Launch(t.Context(), f); err != nil {
			t.Fatalf("afterwards: %v", err)
		}
		want := func(used, peak int64) {
			t.Helper()
			if r := s.host.Report().Frames[0]; r.Attributes["GPU_LIST"] != "0,1" || r.Figures.UsedGPU != used || r.Figures.MaxUsedGPU != peak {
				t.Errorf("have cards %s with %d KiB used, %d at most; want 0,1 with %d and %d",
					r.Attributes["GPU_LIST"], r.Figures.UsedGPU, r.Figures.MaxUsedGPU, used, peak)
			}
		}
		want(800, 800)
		s.show(machine.GPU{ID: 0, Total: 1000, Free: 900}, machine.GPU{ID: 1, Total: 1000, Free: 1000}, machine.GPU{ID: 3, Total: 1000, Free: 0})
		want(100, 800)
		s.end("f1") <- frame.Exit{Reason: frame.ReasonExit}
		synctest.Wait()
		if c := s.outbox[0].Running.Figures; c.MaxUsedGPU != 800 {
			t.Errorf("the completion has %d KiB at most, want 800", c.MaxUsedGPU)
		}
		f.ID, f.GPUs = "f2", 3
		if err := s.host.Launch(t.Context(), f); err != nil {
			t.Errorf("the cards of an ended frame are not free: %v", err)
		}
	})
}
