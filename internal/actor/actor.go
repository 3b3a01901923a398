// Package actor has the pairs that a run.Group is made of: a function that blocks and one
// that tells it to end. Interrupts only signal; run.Group calls them one after the other,
// so whatever drains does it inside its own execute.
package actor

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Func makes an actor of a function that ends when its context does.
func Func(ctx context.Context, fn func(context.Context) error) (execute func() error, interrupt func(error)) {
	ctx, cancel := context.WithCancel(ctx)
	return func() error { return fn(ctx) }, func(error) { cancel() }
}

// Signals makes an actor that hands every signal of the process to handle, until it is interrupted.
// It returns when handle returns an error. Unlike run.SignalHandler the signals stay
// registered while the rest of the group drains: the returned stop undoes that at the very end.
func Signals(handle func(os.Signal) error) (execute func() error, interrupt func(error), stop func()) {
	got := make(chan os.Signal, 128)
	signal.Notify(got)
	done := make(chan struct{})
	execute = func() error {
		for {
			select {
			case <-done:
				return nil
			case s := <-got:
				if ignored(s) {
					continue
				}
				if err := handle(s); err != nil {
					return err
				}
			}
		}
	}
	return execute, func(error) { close(done) }, func() { signal.Stop(got) }
}

// ignored are signals that say nothing to a daemon: the runtime's own preemption, children, broken pipes.
func ignored(s os.Signal) bool {
	return s == syscall.SIGURG || s == syscall.SIGCHLD || s == syscall.SIGPIPE
}
