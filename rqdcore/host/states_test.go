package host_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/runner"
)

// TestPromiseThatCannotBeDeleted ends a frame on a disk that is read-only: its container stays as long as its promise.
func TestPromiseThatCannotBeDeleted(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context, *stage) error{
		"of this RQD": func(ctx context.Context, s *stage) error {
			err := s.host.Launch(ctx, order("f1", "r1", 100))
			s.mu.Lock()
			s.failDelete = errors.New("read-only")
			s.mu.Unlock()
			s.end("f1") <- frame.Exit{Reason: frame.ReasonExit}
			return err
		},
		"of an earlier RQD": func(ctx context.Context, s *stage) error {
			s.mu.Lock()
			s.failDelete = errors.New("read-only")
			s.mu.Unlock()
			return s.host.Forget(ctx, runner.NewPromise(order("f1", "r1", 100), frame.Reservation{Cores: 100}, time.Now()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.run()
				if err := end(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				s.mu.Lock()
				if slices.Contains(s.diary, "discard f1") {
					t.Error("container removed before the promise")
				}
				s.failDelete = nil
				s.mu.Unlock()
				time.Sleep(2 * time.Second)
				if s.mu.Lock(); !slices.Contains(s.diary, "forget f1") || !slices.Contains(s.diary, "discard f1") {
					t.Errorf("have %v, want promise and container gone", s.diary)
				}
				s.mu.Unlock()
				if have := s.host.Report(); have.Cores.Idle != 400 || len(have.Frames) != 0 {
					t.Errorf("have %+v, want nothing left", have)
				}
			})
		})
	}
}

// TestShutdownNow never says DOWN, which would make Cuebot book the frames elsewhere.
func TestShutdownNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 100))
		s.host.Shutdown()
		<-s.host.Quit()
		if have := s.host.Report(); have.Host.State != frame.HostUp || len(have.Frames) != 1 {
			t.Errorf("have %+v, want a host that is up, with its frame", have)
		}
		if err := s.host.Launch(t.Context(), order("f2", "r2", 100)); !errors.Is(err, frame.ErrRefused) {
			t.Errorf("launch: have %v, want %v", err, frame.ErrRefused)
		}
	})
}

// TestLocksAreReportedSoon pokes a report when a control has changed something, and only then.
func TestLocksAreReportedSoon(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"lock", func() { s.host.Lock(100) }, 1},
		{"lock of nothing", func() { s.host.Lock(0) }, 1},
		{"unlock", func() { s.host.Unlock(100) }, 2},
		{"unlock of nothing", func() { s.host.UnlockAll() }, 2},
		{"shutdown when idle", func() { s.host.ShutdownWhenIdle() }, 3},
		{"open again", func() { s.host.UnlockAll() }, 4},
	} {
		step.do()
		if len(s.diary) != step.want {
			t.Errorf("%s: have %d reports asked for, want %d", step.name, len(s.diary), step.want)
		}
	}
}

// TestFailedLaunchInItsBackOff is one row of the contract's table: what is answered while a failed launch holds its cores.
func TestFailedLaunchInItsBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 100))
		s.end("f1") <- frame.Exit{Reason: frame.ReasonLaunch}
		synctest.Wait()
		if err := s.host.Launch(t.Context(), order("f1", "r1", 100)); err != nil {
			t.Errorf("the same order sent again: %v", err)
		}
		again := order("f1", "r1", 100)
		again.StartTime = 1
		if err := s.host.Launch(t.Context(), again); !errors.Is(err, frame.ErrDuplicate) {
			t.Errorf("dispatched again: have %v, want %v", err, frame.ErrDuplicate)
		}
		if _, err := s.host.Running("f1"); err != nil {
			t.Errorf("status: %v", err)
		}
		if err := s.host.Kill("f1", ""); err != nil {
			t.Errorf("kill: %v", err)
		}
		synctest.Wait()
		if have := s.host.Report(); have.Cores.Booked != 0 || len(s.outbox) != 1 {
			t.Errorf("after the kill: have %+v and %+v, want the back-off over", have, s.outbox)
		}
		if _, err := s.host.Running("f1"); !errors.Is(err, frame.ErrNotRunning) {
			t.Errorf("status afterwards: have %v, want %v", err, frame.ErrNotRunning)
		}
	})
}
