package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
)

// exitOfRecord reads frameinit's record of the job's command.
func exitOfRecord(e wire.Exit, j *Job) frame.Exit {
	exit := frame.Exit{
		Code: e.Code, Signal: e.Signal, OOMKills: e.Figures.OOMKills, Detail: e.Detail,
		Ended: time.UnixMilli(e.UnixMillis), RunTime: millis(e.RunMillis), Figures: figuresOf(e.Figures),
	}
	switch e.Cause {
	case wire.CauseExit:
		exit.Reason = frame.ReasonExit
	case wire.CauseKill:
		exit.Reason = frame.ReasonKilled
	case wire.CauseLogLimit:
		exit.Reason = frame.ReasonLogLimit
	case wire.CauseLaunch:
		exit.Reason = frame.ReasonLaunch
	default: // A lease that ran out, a signal from outside, or a cause of a newer frameinit.
		exit.Reason = frame.ReasonLost
		if j.WasKilled() {
			exit.Reason = frame.ReasonKilled
		}
	}
	if e.Figures.LogLost > 0 {
		exit.Detail = joinDetail(exit.Detail, fmt.Sprintf("%d bytes of output could not be written to this log", e.Figures.LogLost))
	}
	return exit
}

// killedCode is the exit code of a container whose process 1 was killed by SIGKILL.
const killedCode = 128 + 9

// exitOfContainer tells how a container ended whose frameinit is not connected: by the record
// in its output, which frameinit leaves for this case, or else by what the engine knows. It is nil
// while the record may be there and cannot be read.
func (x *run) exitOfContainer(ctx context.Context, c engine.Container) *frame.Exit {
	last, err := x.lastLine(ctx, c.ID)
	if err != nil {
		x.log.Warn().Err(err).Msg("read record from container log")
		if x.readAgain(err) {
			return nil
		}
	}
	if e, err := wire.ParseRecord(last); err == nil {
		exit := exitOfRecord(e, x.job)
		return &exit
	}
	exit := frame.Exit{Ended: c.FinishedAt, RunTime: c.FinishedAt.Sub(c.StartedAt), Code: c.ExitCode}
	switch {
	case x.job.WasKilled():
		exit.Reason, exit.Detail = frame.ReasonKilled, "killed by the engine"
	case c.OOMKilled && c.ExitCode == killedCode:
		exit.Reason, exit.OOMKills, exit.Detail = frame.ReasonExit, 1, "out of memory: the kernel killed frameinit, too"
	case !x.ordered && !x.job.adopted:
		exit.Reason = frame.ReasonLaunch
		exit.Detail = fmt.Sprintf("frameinit ended with code %d without ever connecting to RQD: %s", c.ExitCode, printable(last, c.Error))
	default:
		exit.Reason = frame.ReasonLost
		exit.Detail = fmt.Sprintf("container ended from outside with code %d, no record of the command's exit", c.ExitCode)
	}
	return &exit
}

// recordTries bounds the looks for a record that an engine which works does not give out, for example since its file
// was removed. For an engine that does not answer there is no bound, as everywhere.
const recordTries = 30

// readAgain says whether another look may find what err has kept from this one. A frame that was killed needs no record.
func (x *run) readAgain(err error) bool {
	switch {
	case x.job.WasKilled(), errors.Is(err, engine.ErrNotFound), errors.Is(err, engine.ErrConflict), errors.Is(err, engine.ErrInvalid):
		return false
	case errors.Is(err, engine.ErrUnavailable):
		return true
	}
	x.unread++
	return x.unread < recordTries
}

// exitOfAbsence is for a container that the engine no longer knows.
func exitOfAbsence(j *Job, started time.Time) frame.Exit {
	exit := frame.Failure(frame.ReasonLost, time.Now(), "container is gone: it was removed from outside, and how the command ended is unknown")
	if j.WasKilled() {
		exit.Reason, exit.Detail = frame.ReasonKilled, "killed, container removed"
	}
	if !started.IsZero() {
		exit.RunTime = exit.Ended.Sub(started)
	}
	return exit
}

// lastLine is the last line of the container's output.
func (x *run) lastLine(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectCall)
	defer cancel()
	var last []byte
	err := x.cfg.Observer.Logs(ctx, id, engine.LogOptions{Tail: 5}, func(l engine.LogLine) error {
		if text := bytes.TrimSpace(l.Text); len(text) > 0 {
			last = bytes.Clone(text)
		}
		return nil
	})
	return last, err
}

func printable(text []byte, fallback string) string {
	if len(text) == 0 {
		return fallback
	}
	return string(bytes.ToValidUTF8(text, []byte("?")))
}

func joinDetail(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
