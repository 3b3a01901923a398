package host

import (
	"context"
	"fmt"
	"time"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/runner"
)

// promiseWait bounds how long a kill waits for the promise of its frame; Cuebot gives a call 10 s.
const promiseWait = 5 * time.Second

// Launch accepts a frame: its resources are taken, its promise is on the disk and its owner
// runs when nil is returned. Nothing of it has been started then.
//
// The same frame for the same resource is answered as the first time. The error is one of
// frame's sentinels, wrapped.
func (h *Host) Launch(ctx context.Context, f frame.Frame) error {
	if err := h.awaitSettled(ctx, f.ID); err != nil {
		return err
	}
	ready := h.cfg.Runner.Ready()
	e, repeated, err := h.admit(f, ready)
	if err != nil {
		return err
	}
	if repeated {
		return e.awaitPromise(ctx)
	}
	e.refused = h.promise(e)
	if e.refused != nil {
		h.dismiss(e)
	}
	close(e.promised)
	return e.refused
}

// awaitSettled lets an earlier run of the frame finish its writing, so that the two runs never share a document.
func (h *Host) awaitSettled(ctx context.Context, frameID string) error {
	h.mu.Lock()
	before := h.settling[frameID]
	h.mu.Unlock()
	if before == nil {
		return nil
	}
	select {
	case <-before.settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the completion of the last run of frame %s is not on the disk yet", frame.ErrUnavailable, frameID)
	}
}

// admit decides under one lock and takes the resources. notReady is why a new frame could not
// be started now; one that is here already is answered all the same.
func (h *Host) admit(f frame.Frame, notReady error) (e *entry, repeated bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	running := h.frames[f.ID]
	if running != nil && sameOrder(running.frame(), f) && !running.job.WasKilled() {
		return running, true, nil // Also on a host that is closed: a refusal would make Cuebot kill the frame.
	}
	if err := h.refusal(); err != nil {
		return nil, false, err
	}
	if running != nil {
		return nil, false, fmt.Errorf("%w: frame %s holds resource %s here", frame.ErrDuplicate, f.ID, running.frame().ResourceID)
	}
	if h.settling[f.ID] != nil {
		return nil, false, fmt.Errorf("%w: frame %s has just ended", frame.ErrUnavailable, f.ID)
	}
	if notReady != nil {
		return nil, false, notReady
	}
	h.ledger.offer(cardIDs(h.cfg.Facts.GPUs()))
	r, err := h.ledger.reserve(f)
	if err != nil {
		return nil, false, err
	}
	e = newEntry(runner.NewJob(runner.NewPromise(f, r, time.Now())))
	h.frames[f.ID] = e
	return e, false, nil
}

// sameOrder tells an order that is sent again from another dispatch of the same frame. A dispatch on the same resource
// with another start_time means that Cuebot knows the end of the run that is here: its OK would let that end be told for the new one.
func sameOrder(a, b frame.Frame) bool {
	return a.ResourceID == b.ResourceID && a.StartTime == b.StartTime
}

// refusal says why the host takes no frames now, if it does not. The caller holds the lock.
func (h *Host) refusal() error {
	switch h.mode {
	case draining:
		return fmt.Errorf("%w: it waits for its frames to end before it shuts down", frame.ErrRefused)
	case down:
		return fmt.Errorf("%w: it was told to shut down", frame.ErrRefused)
	case departing:
		return fmt.Errorf("%w: this RQD is ending", frame.ErrUnavailable)
	}
	return nil
}

// promise puts the frame on the disk and starts its owner.
//
// What is still owed for an earlier run of the frame is dropped here: delivered after this
// launch it would match the frame and its proc, and end the new run at Cuebot.
func (h *Host) promise(e *entry) error {
	f := e.frame()
	if err := e.document.put(h.cfg.Journal, e.job.Promise()); err != nil {
		return fmt.Errorf("%w: %w", frame.ErrUnavailable, err)
	}
	if err := h.cfg.Outbox.Drop(f.ID); err != nil {
		return fmt.Errorf("%w: %w", frame.ErrUnavailable, err)
	}
	select {
	case h.accepted <- e:
	case <-h.stopped:
		return fmt.Errorf("%w: this RQD is ending", frame.ErrUnavailable)
	}
	h.cfg.Log.Info().Str("frame_id", f.ID).Str("job", f.JobName).Str("frame", f.Name).
		Int32("cores", int32(f.Cores)).Msg("frame accepted")
	return nil
}

// dismiss takes back the admission of a frame whose promise failed.
func (h *Host) dismiss(e *entry) {
	if err := e.document.delete(h.cfg.Journal, e.frame().ID); err != nil {
		h.cfg.Log.Warn().Err(err).Str("frame_id", e.frame().ID).Msg("take back promise")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger.release(e.job.Promise().Reservation)
	delete(h.frames, e.frame().ID)
}

// Adopt takes over a frame that an earlier RQD promised. Call it before Run's callers can launch frames.
func (h *Host) Adopt(ctx context.Context, p runner.Promise) error {
	e := newEntry(runner.AdoptJob(p))
	close(e.promised)
	if p.Recovered {
		if err := e.document.put(h.cfg.Journal, p); err != nil {
			// Its container has what the next RQD needs to recover it once more.
			h.cfg.Log.Error().Err(err).Str("frame_id", p.Frame.ID).Msg("promise of recovered frame not on the disk")
		}
	}
	h.mu.Lock()
	h.ledger.restore(p.Reservation)
	h.frames[p.Frame.ID] = e
	h.mu.Unlock()
	return h.handOver(ctx, e)
}

// Forget clears up behind a frame of an earlier RQD whose completion is in the outbox. Until that is done the frame is
// not launched again.
func (h *Host) Forget(ctx context.Context, p runner.Promise) error {
	e := newEntry(runner.AdoptJob(p))
	e.over = true
	close(e.promised)
	h.mu.Lock()
	h.settling[p.Frame.ID] = e
	h.mu.Unlock()
	return h.handOver(ctx, e)
}

func (h *Host) handOver(ctx context.Context, e *entry) error {
	select {
	case h.accepted <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill ends a frame. When nil is returned the kill will happen: it is with the frame's owner,
// and on the disk for the next RQD. An unknown frame is frame.ErrNotRunning.
func (h *Host) Kill(frameID, message string) error {
	e, err := h.lookup(frameID)
	if err != nil {
		return err
	}
	e.job.Kill(message)
	ctx, cancel := context.WithTimeout(context.Background(), promiseWait)
	defer cancel()
	if err := e.awaitPromise(ctx); err != nil {
		return err
	}
	p := e.job.Promise()
	p.Killed, p.KillMessage = true, e.job.KillMessage()
	if err := e.document.put(h.cfg.Journal, p); err != nil {
		// The owner has the kill all the same, but a death of this RQD would lose it.
		return fmt.Errorf("%w: kill of frame %s is under way and not on the disk: %w", frame.ErrUnavailable, frameID, err)
	}
	h.cfg.Log.Info().Str("frame_id", frameID).Msg("kill requested")
	return nil
}
