package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"rqdswarm/internal/engine"
)

// endTime bounds the tidying up at the end, and lastTries how often one container is tried.
const (
	endTime   = actTime
	lastTries = 4
)

// unknownExit is the code of an RQD whose container somebody removed: as if it had been killed.
const unknownExit = 137

// errVanished means that RQD's container went away under us.
var errVanished = errors.New("rqd's container was removed by somebody else")

// end does the last step and returns what the process exits with.
func (l *Loop) end(ctx context.Context, step Step, v view) (code int, err error) {
	if l.busy != nil {
		l.interrupt()
	}
	switch step {
	case Leave:
		l.o.Log.Info().Bool("newer", v.Newer).Msg("rqd left to another supervisor")
		return 0, l.failure
	case Refuse:
		return 0, &ForeignError{Name: l.o.Name, ID: v.current.ID}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	code, err = l.exit(v)
	if v.current.ID != "" && v.Current != Foreign {
		l.printRest(ctx, v)
	}
	l.tidy(ctx, v)
	if l.failure != nil {
		err = l.failure
	}
	return code, err
}

// exit says how RQD ended.
func (l *Loop) exit(v view) (code int, err error) {
	switch v.Current {
	case Vanished:
		if l.ending == Staying {
			return unknownExit, errVanished
		}
		return unknownExit, nil
	case Ended, Adopted, Exited:
		l.o.Log.Info().Str("container", short(v.current.ID)).Int("exit_code", v.current.ExitCode).Bool("oom_killed", v.current.OOMKilled).Msg("rqd ended")
		return v.current.ExitCode, nil
	default:
		return 0, nil
	}
}

// printRest waits until the last lines of the RQDs are printed, as far as anybody reads our stdout.
func (l *Loop) printRest(ctx context.Context, v view) {
	if _, ok := l.followers[v.current.ID]; !ok && v.Current != Exited && v.Current != Created && v.Current != CreatedOther {
		l.follow(ctx, v.current, v)
	}
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	for id, f := range maps.All(l.followers) {
		f.Drain(ctx)
		if !f.Ended() {
			l.o.Log.Warn().Str("container", short(id)).Msg("rqd's last output was not taken in time")
		}
	}
}

// tidy removes our containers, none of which runs.
func (l *Loop) tidy(ctx context.Context, v view) {
	gone := v.unused()
	if v.current.ID != "" && v.Current != Foreign && !v.Current.runs() {
		gone = append(gone, v.current)
	}
	for _, c := range gone {
		if err := l.removeAtLast(ctx, c.ID); err != nil {
			l.o.Log.Warn().Err(err).Str("container", short(c.ID)).Str("name", c.Name).Msg("container not removed")
		}
	}
}

// removeAtLast removes a container with a few tries: no step comes after this one.
func (l *Loop) removeAtLast(ctx context.Context, id string) error {
	for try := 1; ; try++ {
		err := l.o.Engine.Remove(ctx, id, engine.RemoveOptions{})
		if err == nil || engine.IsGone(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(backoff(try)):
		}
		if try == lastTries {
			return err
		}
	}
}

// giveUp ends the supervisor because a step cannot be done. What we made and what does not run is removed; an RQD that
// runs, ours or another supervisor's, is left alone.
func (l *Loop) giveUp(ctx context.Context, v view, cause error) error {
	if l.busy != nil {
		l.interrupt()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if latest, err := l.observe(ctx); err == nil {
		v = latest
	}
	if !v.Newer {
		l.tidy(ctx, v)
	}
	if v.Current.runs() && l.ending == Staying {
		l.o.Log.Warn().Str("container", short(v.current.ID)).Msg("running rqd left as it is")
	}
	return fmt.Errorf("%s: %w", l.trouble.step.phrase(), cause)
}

// abandon ends what the loop has started.
func (l *Loop) abandon() {
	if l.busy != nil {
		l.interrupt()
	}
	for _, f := range l.followers {
		f.Close()
	}
}
