package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/runline"
)

// worker does one step. It has a copy of what the loop knew when the step was decided.
type worker struct {
	o     Options
	v     view
	plan  runline.Plan
	drain map[string]func(context.Context) // By container: waits until its output is printed.
	l     *Loop                            // For the outcome's apply only, which the loop's goroutine calls.
}

// perform does a step. Every step may be done again.
func (w worker) perform(ctx context.Context, step Step) (apply func(), err error) {
	switch step {
	case Resolve: // The planner bounds itself: a pull takes its time.
		return w.resolve(ctx)
	case StopRetired:
		return nil, w.succeed(ctx)
	case Stop:
		return nil, w.stop(ctx, w.v.alive())
	}
	ctx, cancel := context.WithTimeout(ctx, actTime)
	defer cancel()
	switch step {
	case Prepare:
		return nil, w.create(ctx)
	case Retire:
		return nil, w.rename(ctx, w.v.current.ID, retiredName(w.o.Name, w.v.current.ID))
	case Promote:
		return nil, w.rename(ctx, w.v.next.ID, w.o.Name)
	case Start:
		return nil, w.start(ctx)
	case Discard:
		w.o.Log.Info().Str("container", short(w.v.current.ID)).Str("state", string(w.v.current.State)).Int("exit_code", w.v.current.ExitCode).Msg("old rqd container removed")
		return nil, w.remove(ctx, w.v.current.ID)
	case Sweep:
		return w.sweep(ctx)
	case Kill:
		return nil, w.kill(ctx, w.v.alive())
	default:
		panic("reconcile: step without effect: " + step.String())
	}
}

func (w worker) resolve(ctx context.Context) (func(), error) {
	plan, err := w.o.Planner.Plan(ctx)
	if err != nil {
		return nil, err
	}
	return func() { w.l.remembered.plan = &plan }, nil
}

// create makes the next RQD, as far as the host grants what it asks for. It gets the next RQD's name only
// when it is complete: a half-made one is litter.
func (w worker) create(ctx context.Context) error {
	making := makingName(w.o.Name, w.o.Self.ShortID())
	for _, name := range []string{making, nextName(w.o.Name)} {
		if err := w.free(ctx, name); err != nil {
			return err
		}
	}
	spec, err := w.o.Host.Preflight(ctx, w.plan.Spec)
	if err != nil {
		return err
	}
	spec.Name = making
	id, warnings, err := w.make(ctx, spec)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		w.o.Log.Warn().Str("container", short(id)).Str("warning", warning).Msg("engine warned about rqd's container")
	}
	if len(w.plan.Files) > 0 {
		if err := w.o.Engine.CopyTo(ctx, id, w.plan.Files); err != nil {
			return err
		}
	}
	if err := w.rename(ctx, id, nextName(w.o.Name)); err != nil {
		return err
	}
	w.o.Log.Info().Str("container", short(id)).Str("image", w.plan.Spec.Labels[runline.LabelImage]).Str("spec", w.plan.Hash).Msg("next rqd created")
	return nil
}

// make creates the container by the image's name, which people like to read. Where the name means another image by
// now, it is created by the image's id.
func (w worker) make(ctx context.Context, spec engine.Spec) (id string, warnings []string, err error) {
	id, warnings, err = w.o.Engine.Create(ctx, spec)
	if err != nil {
		return "", nil, err
	}
	c, err := w.o.Engine.Inspect(ctx, id)
	if err != nil || c.ImageID == w.plan.ImageID {
		return id, warnings, err
	}
	if err := w.remove(ctx, id); err != nil {
		return "", nil, err
	}
	spec.Image = w.plan.ImageID
	return w.o.Engine.Create(ctx, spec)
}

// free takes a name away from a container of ours that waits in vain.
func (w worker) free(ctx context.Context, name string) error {
	c, err := w.o.Engine.Inspect(ctx, name)
	switch {
	case errors.Is(err, engine.ErrNotFound) || (err == nil && c.Name != name):
		return nil
	case err != nil:
		return err
	case c.Labels[runline.LabelRQD] != w.o.Name:
		return &ForeignError{Name: name, ID: c.ID}
	}
	return w.remove(ctx, c.ID)
}

func (w worker) rename(ctx context.Context, id, name string) error {
	if err := w.o.Engine.Rename(ctx, id, name); err != nil {
		return err
	}
	w.o.Log.Debug().Str("container", short(id)).Str("name", name).Msg("container renamed")
	return nil
}

func (w worker) start(ctx context.Context) error {
	if err := w.o.Engine.Start(ctx, w.v.current.ID); err != nil {
		return err
	}
	w.o.Log.Info().Str("container", short(w.v.current.ID)).Str("name", w.o.Name).Msg("rqd started")
	return nil
}

// remove takes a container away that does not run; one that is gone is no error.
func (w worker) remove(ctx context.Context, id string) error {
	if err := w.o.Engine.Remove(ctx, id, engine.RemoveOptions{}); err != nil && !engine.IsGone(err) {
		return err
	}
	return nil
}

// sweep removes what nothing will use. The last lines of a stopped RQD are printed first.
func (w worker) sweep(ctx context.Context) (apply func(), err error) {
	for _, c := range w.v.unused() {
		w.drained(ctx, c.ID)
		if err := w.remove(ctx, c.ID); err != nil {
			return nil, err
		}
		w.o.Log.Debug().Str("container", short(c.ID)).Str("name", c.Name).Msg("unused container removed")
	}
	for _, image := range w.v.images {
		if err := w.o.Images.RemoveImage(ctx, image); err != nil {
			w.o.Log.Info().Err(err).Str("image_id", image).Msg("old image left") // Somebody uses it, or it is gone.
			continue
		}
		w.o.Log.Info().Str("image_id", image).Msg("old image removed")
	}
	removed := len(w.v.images)
	return func() { w.l.remembered.images = w.l.remembered.images[removed:] }, nil
}

// drained waits until a container's output is printed, as far as anybody reads ours.
func (w worker) drained(ctx context.Context, id string) {
	if drain, ok := w.drain[id]; ok {
		ctx, cancel := context.WithTimeout(ctx, drainTime)
		defer cancel()
		drain(ctx)
	}
}

// succeed stops the retired RQD and starts the current one at once: until then the host has none, and another look at
// the engine would take its time.
func (w worker) succeed(ctx context.Context) error {
	if err := w.stop(ctx, w.v.retired); err != nil || w.v.Current != Created {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, actTime)
	defer cancel()
	return w.start(ctx)
}

// stop stops containers with the whole grace, which the engine keeps. They are stopped at once, not in turn.
func (w worker) stop(ctx context.Context, victims []engine.Container) error {
	ctx, cancel := context.WithTimeout(ctx, w.o.Grace+actTime)
	defer cancel()
	failed := make(chan error, len(victims))
	for _, c := range victims {
		go func() {
			begun := time.Now()
			w.o.Log.Info().Str("container", short(c.ID)).Str("name", c.Name).Stringer("grace", w.o.Grace).Msg("rqd asked to stop")
			err := w.o.Engine.Stop(ctx, c.ID, w.o.Grace)
			if err == nil {
				w.o.Log.Info().Str("container", short(c.ID)).Stringer("took", time.Since(begun).Round(time.Millisecond)).Msg("rqd stopped")
			}
			if engine.IsGone(err) {
				err = nil
			}
			failed <- err
		}()
	}
	var errs []error
	for range victims {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}

func (w worker) kill(ctx context.Context, victims []engine.Container) error {
	for _, c := range victims {
		err := w.o.Engine.Signal(ctx, c.ID, "SIGKILL")
		if err != nil && !engine.IsGone(err) && !errors.Is(err, engine.ErrConflict) {
			return err
		}
		w.o.Log.Warn().Str("container", short(c.ID)).Msg("rqd killed")
	}
	return nil
}

// ForeignError is a container that is not ours and has a name that we need.
type ForeignError struct{ Name, ID string }

// Error says what to do about it.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("container %s (%.12s) was not made by a supervisor: remove it with `docker rm -f %[1]s`, or set another RQD_NAME", e.Name, e.ID)
}

func nextName(rqd string) string          { return rqd + "-next" }
func makingName(rqd, maker string) string { return rqd + "-new-" + maker }
func retiredName(rqd, id string) string   { return rqd + "-old-" + short(id) }

// short is a container id as people write it.
func short(id string) string { return id[:min(12, len(id))] }
