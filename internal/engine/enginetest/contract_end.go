package enginetest

import (
	"context"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// stop starts a program, stops it with the grace once it is ready, and returns how it ended and
// how long that took.
func (s Subject) stop(t *testing.T, id string, grace time.Duration) (engine.Container, time.Duration) {
	t.Helper()
	s.start(t, id)
	s.awaitLine(t, id, "ready")
	began := time.Now()
	if err := s.Engine.Stop(t.Context(), id, grace); err != nil {
		t.Fatalf("stop: %v", err)
	}
	return s.inspect(t, id), time.Since(began)
}

func endBehaviours() []behaviour {
	return []behaviour{
		{"signal reaches process 1", func(t *testing.T, s Subject) {
			id := s.make(t, progUsr1)
			s.start(t, id)
			s.awaitLine(t, id, "ready")
			for _, signal := range []string{"SIGUSR1", "USR1", "10"} {
				if err := s.Engine.Signal(t.Context(), id, signal); err != nil {
					t.Fatalf("signal %s: %v", signal, err)
				}
			}
			s.awaitLine(t, id, "usr1")
		}},
		{"invalid signal is invalid", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			s.start(t, id)
			wantErr(t, s.Engine.Signal(t.Context(), id, "SIGNOSUCH"), engine.ErrInvalid)
		}},
		{"SIGKILL ends with 137", func(t *testing.T, s Subject) {
			id := s.make(t, progDeaf)
			s.start(t, id)
			if err := s.Engine.Signal(t.Context(), id, "SIGKILL"); err != nil {
				t.Fatalf("signal: %v", err)
			}
			wantState(t, s.awaitEnd(t, id), engine.StateExited, 137)
		}},
		{"signal to an ended container is a conflict", func(t *testing.T, s Subject) {
			id := s.make(t, progExit0)
			wantErr(t, s.Engine.Signal(t.Context(), id, "SIGTERM"), engine.ErrConflict)
			s.start(t, id)
			s.awaitEnd(t, id)
			wantErr(t, s.Engine.Signal(t.Context(), id, "SIGTERM"), engine.ErrConflict)
		}},
		{"stop returns as soon as it has ended", func(t *testing.T, s Subject) {
			c, took := s.stop(t, s.make(t, progTermExit0), 30*time.Second)
			wantState(t, c, engine.StateExited, 0)
			if took > 15*time.Second {
				t.Errorf("want it at once, have %v", took)
			}
		}},
		{"stop of an obedient program gives its code", func(t *testing.T, s Subject) {
			c, _ := s.stop(t, s.make(t, progTermExit143), 30*time.Second)
			wantState(t, c, engine.StateExited, 143)
		}},
		{"stop kills at the end of the grace", func(t *testing.T, s Subject) {
			c, took := s.stop(t, s.make(t, progDeaf), 1200*time.Millisecond)
			wantState(t, c, engine.StateExited, 137)
			if took < 1200*time.Millisecond {
				t.Errorf("want at least the grace, have %v", took)
			}
		}},
		{"stop without grace kills", func(t *testing.T, s Subject) {
			c, _ := s.stop(t, s.make(t, progDeaf), 0)
			wantState(t, c, engine.StateExited, 137)
		}},
		{"stop sends the container's own signal", func(t *testing.T, s Subject) {
			c, _ := s.stop(t, s.make(t, progHupExit7, func(spec *engine.Spec) { spec.StopSignal = "SIGHUP" }), 30*time.Second)
			wantState(t, c, engine.StateExited, 7)
		}},
		{"stop of an ended container is done", func(t *testing.T, s Subject) {
			id := s.make(t, progExit3)
			s.start(t, id)
			s.awaitEnd(t, id)
			if err := s.Engine.Stop(t.Context(), id, time.Second); err != nil {
				t.Errorf("stop: %v", err)
			}
			wantState(t, s.inspect(t, id), engine.StateExited, 3)
		}},
		{"deadline holds when the caller goes away", func(t *testing.T, s Subject) {
			id := s.make(t, progDeaf)
			s.start(t, id)
			s.awaitLine(t, id, "ready")
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			began := time.Now()
			wantErr(t, s.Engine.Stop(ctx, id, 2*time.Second), context.DeadlineExceeded)
			wantState(t, s.inspect(t, id), engine.StateRunning, 0)
			wantState(t, s.awaitEnd(t, id), engine.StateExited, 137)
			if took := time.Since(began); took < 1900*time.Millisecond {
				t.Errorf("want it killed after the 2 s of grace, have %v", took)
			}
		}},
	}
}
