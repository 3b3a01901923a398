package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/runner"
)

// losses recovers frames whose promise is lost from their containers.
type losses struct {
	*parts
	all        bool            // There is no journal of an earlier RQD at all.
	unreadable []string        // Frames whose promise was set aside.
	known      map[string]bool // Containers with a promise.
	taken      map[string]bool // Frames with a promise, or recovered.
}

// recover returns the promises that were made up for containers without one. The host writes them.
func (l losses) recover(ctx context.Context) ([]runner.Promise, error) {
	strays, err := l.runner.Strays(ctx, func(container string) bool { return l.known[container] })
	if err != nil {
		return nil, fmt.Errorf("look for frames without a promise: %w", err)
	}
	var recovered []runner.Promise
	for _, s := range strays {
		promise, log := s.Promise, l.log.With().Str("frame_id", s.Promise.Frame.ID).Str("container", s.Promise.Container).Logger()
		switch f := promise.Frame; {
		case !s.Running && !l.lost(f.ID):
			log.Info().Msg("container of a frame that is over, removed")
			l.runner.Discard(runner.AdoptJob(promise))
			continue
		case f.ID == "", l.taken[f.ID], l.outbox.Owes(f):
			log.Warn().Msg("container of a frame that is over or runs elsewhere, removed")
			l.runner.Discard(runner.AdoptJob(promise))
		case len(s.Lacks) > 0:
			log.Error().Strs("lacks", s.Lacks).Msg("frame without a promise cannot be recovered from its container, reported as lost")
			if err := l.giveUp(ctx, promise); err != nil {
				return nil, err
			}
		default:
			log.Warn().Bool("running", s.Running).Msg("promise of frame lost, frame recovered from its container")
			recovered = append(recovered, promise)
		}
		l.taken[promise.Frame.ID] = true
	}
	return recovered, nil
}

// lost says whether the frame may have been promised without the journal knowing it now. Then an
// ended container is not one that was reported already.
func (l losses) lost(frameID string) bool { return l.all || slices.Contains(l.unreadable, frameID) }

// giveUp ends a frame of which too little is known to adopt it. Cuebot is told once it is dead.
func (l losses) giveUp(ctx context.Context, p runner.Promise) error {
	if err := l.runner.Destroy(ctx, runner.AdoptJob(p)); err != nil {
		return err
	}
	exit := frame.Failure(frame.ReasonLost, time.Now(), "promise and labels lost")
	status, signal := exit.Status()
	go func() { // A disk that is full makes it wait for Cuebot.
		if err := l.outbox.Add(frame.Completion{Running: frame.Running{Frame: p.Frame}, ExitStatus: status, ExitSignal: signal}); err != nil {
			l.log.Error().Err(err).Msg("lost frame not reported")
		}
	}()
	return nil
}
