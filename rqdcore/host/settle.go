package host

import (
	"context"
	"time"

	"rqdswarm/rqdcore/frame"
)

const (
	// launchBackOff holds a failed launch's cores for a while: without it Cuebot books a broken host again at once.
	launchBackOff = 10 * time.Second
	// outboxRetry is how often a completion that could not be written is tried again.
	outboxRetry = time.Second
	// promiseRetry is how often a promise that could not be deleted is tried again.
	promiseRetry = time.Second
)

// own is the goroutine of one frame, from its promise to its end.
func (h *Host) own(ctx context.Context, e *entry) {
	if e.over {
		h.forget(ctx, e)
		h.settled(e)
		return
	}
	exit, err := h.cfg.Runner.Run(ctx, e.job)
	if err != nil {
		h.cfg.Log.Info().Str("frame_id", e.frame().ID).Msg("frame left running")
		return
	}
	if exit.Reason == frame.ReasonLaunch && !h.backOff(ctx, e) {
		return // The promise stays in the journal: the next RQD reports it.
	}
	h.settle(ctx, e, exit)
}

// backOff waits after a failed launch; a kill ends the wait. It is false when ctx ended first.
func (h *Host) backOff(ctx context.Context, e *entry) bool {
	timer := time.NewTimer(launchBackOff)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.job.Killed():
	case <-ctx.Done():
		return false
	}
	return true
}

// settle releases, hands the completion over and cleans up, in this order: Cuebot sends the
// next frame for the same resource, perhaps the same frame, as soon as it has the completion.
func (h *Host) settle(ctx context.Context, e *entry, exit frame.Exit) {
	f := e.frame()
	e.job.UseGPUs(usedMemory(h.cfg.Facts.GPUs(), e.job.Promise().Reservation.GPUs))
	status, signal := exit.Status()
	c := frame.Completion{Running: e.job.Running(), ExitStatus: status, ExitSignal: signal, RunTime: exit.RunTime}
	h.release(e)
	h.cfg.Log.Info().Str("frame_id", f.ID).Str("job", f.JobName).Str("frame", f.Name).Int32("exit_status", status).
		Int32("exit_signal", signal).Str("reason", string(exit.Reason)).Stringer("run_time", exit.RunTime.Round(time.Millisecond)).
		Int64("max_rss", c.Running.Figures.MaxRSS).Msg("frame ended")
	if h.hand(ctx, c) {
		h.forget(ctx, e)
	}
	h.settled(e)
	h.cfg.Notify.FrameEnded()
}

// hand puts the completion into the outbox, for as long as it takes. It is false when ctx ended first.
func (h *Host) hand(ctx context.Context, c frame.Completion) bool {
	for {
		err := h.cfg.Outbox.Add(c)
		if err == nil {
			return true
		}
		h.cfg.Log.Error().Err(err).Str("frame_id", c.Running.Frame.ID).Msg("write completion")
		select {
		case <-time.After(outboxRetry):
		case <-ctx.Done():
			return false
		}
	}
}

// forget deletes the promise, for as long as it takes, and then the container. As long as there is a promise there is
// the container: another RQD that finds the one has to find the same end in the other.
func (h *Host) forget(ctx context.Context, e *entry) {
	err := e.document.delete(h.cfg.Journal, e.frame().ID)
	if err != nil {
		h.cfg.Log.Error().Err(err).Str("frame_id", e.frame().ID).Msg("promise of a frame that is over cannot be deleted yet")
	}
	for ; err != nil; err = e.document.delete(h.cfg.Journal, e.frame().ID) {
		select {
		case <-time.After(promiseRetry):
		case <-ctx.Done():
			return
		}
	}
	h.cfg.Runner.Discard(e.job)
}

// release moves the frame from the table to the settling and gives its resources back.
func (h *Host) release(e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger.release(e.job.Promise().Reservation)
	delete(h.frames, e.frame().ID)
	h.settling[e.frame().ID] = e
}

func (h *Host) settled(e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.settling, e.frame().ID)
	close(e.settled)
	h.quitIfIdle()
}
