package runner

import (
	"context"
	"sync"
	"time"

	"rqdswarm/internal/engine"
)

// removeRetry is how long a container that cannot be removed yet is left alone.
const removeRetry = 5 * time.Second

// trash holds the containers that wait for their removal. Nobody waits for it: a container whose
// process 1 is stuck in I/O goes when the I/O returns.
type trash struct{ names chan string }

func newTrash() trash { return trash{names: make(chan string, 1024)} }

// Discard removes what is left of the frame's container, in the background.
func (r *Runner) Discard(j *Job) {
	select {
	case r.trash.names <- j.promise.Container:
	default: // So many wait that the engine must be ill. The next RQD sweeps what has no promise.
		r.cfg.Log.Warn().Str("container", j.promise.Container).Msg("removal left to the next start")
	}
}

// removers work through the trash; a single one would fall behind a stream of short frames.
const removers = 4

// Sweep removes discarded containers until ctx ends.
func (r *Runner) Sweep(ctx context.Context) error {
	var all sync.WaitGroup
	for range removers {
		all.Go(func() { r.sweep(ctx) })
	}
	all.Wait()
	return nil
}

func (r *Runner) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-r.trash.names:
			if err := r.remove(ctx, name); err != nil && ctx.Err() == nil {
				r.cfg.Log.Debug().Err(err).Str("container", name).Msg("container not removed yet")
				time.AfterFunc(removeRetry, func() { r.Discard(&Job{promise: Promise{Container: name}}) })
			}
		}
	}
}

func (r *Runner) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, inspectCall)
	defer cancel()
	err := r.cfg.Containers.Remove(ctx, name, engine.RemoveOptions{Force: true})
	if engine.IsGone(err) {
		return nil
	}
	return err
}
