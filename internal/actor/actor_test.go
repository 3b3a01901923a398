package actor_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/oklog/run"

	"rqdswarm/internal/actor"
)

var errDone = errors.New("done")

// TestSignalsStayRegistered sends a second SIGTERM while the group drains. With run.SignalHandler
// it would kill the process, and this test with it.
func TestSignalsStayRegistered(t *testing.T) {
	got := make(chan os.Signal, 4)
	execute, interrupt, stop := actor.Signals(func(s os.Signal) error {
		got <- s
		return errDone
	})
	defer stop()
	var g run.Group
	g.Add(execute, interrupt)
	g.Add(actor.Func(t.Context(), func(ctx context.Context) error {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		return nil
	}))
	if err := g.Run(); !errors.Is(err, errDone) {
		t.Errorf("have %v, want %v", err, errDone)
	}
	if s := <-got; s != syscall.SIGTERM {
		t.Errorf("have %v, want %v", s, syscall.SIGTERM)
	}
}

func TestFuncEndsWithItsContext(t *testing.T) {
	t.Parallel()
	execute, interrupt := actor.Func(t.Context(), func(ctx context.Context) error {
		<-ctx.Done()
		return errDone
	})
	interrupt(nil)
	if err := execute(); !errors.Is(err, errDone) {
		t.Errorf("have %v, want %v", err, errDone)
	}
}
