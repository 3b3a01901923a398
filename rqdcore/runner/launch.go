package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rqdswarm/internal/engine"
)

const (
	// engineCall bounds a create or a start. A busy engine needs seconds; one that needs longer is looked at by name.
	engineCall = 2 * time.Minute
	// engineRetry and engineTries bound the wait for an engine that does not answer at a launch.
	engineRetry = 2 * time.Second
	engineTries = 30
)

var errKilled = errors.New("killed")

// launch brings the frame to a started container, or says why not. A kill ends the waits on
// the way; calls to the engine are let finish, so that it is known what they did.
func (x *run) launch(ctx context.Context) error {
	waits, cancel := x.untilKilled(ctx)
	defer cancel()
	x.cfg.Used(x.plan.Image)
	if err := x.cfg.Images.Ensure(waits, x.plan.Image); err != nil {
		return x.orKilled(err)
	}
	select {
	case x.starts <- struct{}{}:
		defer func() { <-x.starts }()
	case <-waits.Done():
		return x.orKilled(waits.Err())
	}
	for {
		err := x.bring(ctx, waits)
		if err == nil || x.job.WasKilled() {
			return x.orKilled(err)
		}
		again, learnErr := x.degrader.Learn(ctx, x.tried, err)
		if !again {
			return errors.Join(err, learnErr)
		}
		if err := x.ensureGone(ctx); err != nil {
			return err
		}
	}
}

// bring creates and starts the container.
func (x *run) bring(ctx, waits context.Context) error {
	id, err := x.create(ctx, waits)
	if err != nil {
		return err
	}
	x.job.setContainer(id)
	x.session.SetContainer(id)
	if x.job.WasKilled() {
		return errKilled
	}
	return x.start(ctx, id)
}

// untilKilled returns a context that a kill of the frame ends, too.
func (x *run) untilKilled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-x.job.Killed():
			cancel(errKilled)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

func (x *run) orKilled(err error) error {
	if err != nil && x.job.WasKilled() {
		return errKilled
	}
	return err
}

// create makes the container, once, whatever the engine's answers are.
func (x *run) create(ctx, waits context.Context) (id string, err error) {
	for try := range engineTries {
		if try > 0 {
			select {
			case <-time.After(engineRetry):
			case <-waits.Done():
				return "", context.Cause(waits)
			}
		}
		id, err = x.createOnce(ctx)
		switch {
		case err == nil:
			return id, nil
		case errors.Is(err, engine.ErrConflict), errors.Is(err, engine.ErrUnavailable):
			// The call that seems to have failed may have made it.
			if c, lookup := x.inspect(ctx); lookup == nil && c.Labels[LabelFrame] == x.job.promise.Frame.ID {
				return c.ID, nil
			}
		case errors.Is(err, engine.ErrNotFound) && try == 0:
			x.cfg.Images.Forget(x.plan.Image)
			if err := x.cfg.Images.Ensure(waits, x.plan.Image); err != nil {
				return "", err
			}
		default:
			return "", fmt.Errorf("create container of image %s: %w", x.plan.Image, err)
		}
	}
	return "", fmt.Errorf("create container of image %s: %w", x.plan.Image, err)
}

func (x *run) createOnce(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, engineCall)
	defer cancel()
	x.tried = x.degrader.Adapt(x.plan.Spec)
	id, warnings, err := x.cfg.Containers.Create(ctx, x.tried)
	for _, w := range warnings {
		x.log.Debug().Str("warning", w).Msg("container created with warning")
	}
	return id, err
}

// start starts the container. An answer that got lost is looked up.
func (x *run) start(ctx context.Context, id string) error {
	call, cancel := context.WithTimeout(ctx, engineCall)
	defer cancel()
	err := x.cfg.Containers.Start(call, id)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, engine.ErrUnavailable) || errors.Is(err, engine.ErrConflict) {
		if c, lookup := x.inspect(ctx); lookup == nil && c.State != engine.StateCreated {
			return nil
		}
	}
	return fmt.Errorf("start container of image %s: %w", x.plan.Image, err)
}

func (x *run) inspect(ctx context.Context) (engine.Container, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectCall)
	defer cancel()
	return x.cfg.Containers.Inspect(ctx, x.job.promise.Container)
}
