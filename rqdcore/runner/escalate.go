package runner

import (
	"context"
	"errors"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/link"
)

const (
	// killMargin is what frameinit gets beyond the grace to reap, drain the log and send its record.
	killMargin = 3 * time.Second
	// killAgain is how often the engine is asked to kill, then to remove, what does not die.
	killAgain = 5 * time.Second
)

// escalation is how far a kill has gone.
type escalation int

const (
	askFrameInit  escalation = iota // TERM, grace, KILL, reap, drain, record: the whole truth.
	askEngine                       // SIGKILL to process 1. Fails while a thread of it is stuck in I/O.
	removeByForce                   // Again and again; what is stuck goes when its I/O returns.
)

// escalate does the next step of a kill and says when the following one is due.
func (x *run) escalate(ctx context.Context) time.Duration {
	grace := x.cfg.Policy.KillGrace
	step := x.kill
	if x.kill < removeByForce {
		x.kill++
	}
	switch step {
	case askFrameInit:
		switch {
		case x.peer != nil:
			x.sendKill(x.peer)
		case x.foreign != nil:
			x.engineSignal(ctx, "SIGTERM") // frameinit answers it as it would a kill.
		}
		// Without a connection frameinit is told when it comes; an unannounced SIGTERM would be
		// taken for the infrastructure's, and is read as this kill below.
		return grace + killMargin
	case askEngine:
		x.log.Warn().Msg("frame outlived its grace, engine is asked to kill it")
		x.engineSignal(ctx, "SIGKILL")
	case removeByForce:
		x.engineRemove(ctx)
	}
	x.job.poke()
	return killAgain
}

func (x *run) sendKill(peer *link.Peer) {
	if err := peer.Kill(wire.Kill{GraceMillis: int(x.cfg.Policy.KillGrace / time.Millisecond)}); err != nil {
		x.log.Warn().Err(err).Msg("send kill")
	}
}

func (x *run) engineSignal(ctx context.Context, signal string) {
	ctx, cancel := context.WithTimeout(ctx, inspectCall)
	defer cancel()
	if err := x.cfg.Containers.Signal(ctx, x.job.promise.Container, signal); err != nil {
		x.log.Warn().Err(err).Str("signal", signal).Msg("signal container")
	}
}

func (x *run) engineRemove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, inspectCall)
	defer cancel()
	err := x.cfg.Containers.Remove(ctx, x.job.promise.Container, engine.RemoveOptions{Force: true})
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		x.log.Error().Err(err).Msg("frame cannot be killed yet")
	}
}

// ensureGone returns when no container of this frame exists, or with ctx's error.
func (x *run) ensureGone(ctx context.Context) error {
	for {
		x.engineRemove(ctx)
		if _, err := x.inspect(ctx); errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
