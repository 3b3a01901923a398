package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/link"
	"rqdswarm/rqdcore/rqlog"
)

// run is one frame on its way. Only the goroutine in Runner.Run touches it.
type run struct {
	*Runner
	job     *Job
	log     zerolog.Logger
	plan    Plan
	tried   degraded // What the last created container did without.
	session *link.Session
	peer    *link.Peer // frameinit, while it is connected.
	output  *os.File   // The rqlog until it is handed to frameinit.
	ordered bool       // frameinit has its order: the command may run.
	written int64      // Bytes in the rqlog before the command's.
	started time.Time  // When the command started, as frameinit says; zero before.
	kill    escalation
}

func (r *Runner) newRun(j *Job) *run {
	f := j.promise.Frame
	x := &run{
		Runner: r, job: j, session: r.cfg.Link.Expect(j.promise.Token),
		log: r.cfg.Log.With().Str("frame_id", f.ID).Str("frame", f.Name).Str("container", j.promise.Container).Logger(),
	}
	r.hints.add(j)
	return x
}

func (x *run) close() {
	x.hints.remove(x.job)
	x.session.Close()
	x.cfg.Watcher.Remove(x.logRequest().Path)
	x.closeOutput()
}

func (x *run) closeOutput() {
	if x.output != nil {
		_ = x.output.Close() // frameinit has its own descriptor; nothing is buffered in this one.
		x.output = nil
	}
}

// life is everything up to the exit.
func (x *run) life(ctx context.Context) (frame.Exit, error) {
	var planErr error
	x.plan, planErr = x.cfg.Policy.Plan(x.job.promise)
	if x.job.adopted {
		return x.adopt(ctx)
	}
	if x.job.WasKilled() {
		return x.killedBeforeStart(), nil
	}
	if err := x.openLog(); err != nil {
		return frame.Failure(frame.ReasonLaunch, time.Now(), "open rqlog: %v", err), nil
	}
	if planErr != nil {
		return frame.Failure(frame.ReasonLaunch, time.Now(), "%v", planErr), nil
	}
	if err := x.launch(ctx); err != nil {
		return x.launchFailed(ctx, err)
	}
	return x.follow(ctx)
}

// launchFailed decides what an error on the way to a running container means.
func (x *run) launchFailed(ctx context.Context, err error) (frame.Exit, error) {
	if ctx.Err() != nil {
		return frame.Exit{}, ctx.Err()
	}
	// The container may exist, and may even run, if the engine's answer was lost.
	if gone := x.ensureGone(ctx); gone != nil {
		return frame.Exit{}, gone
	}
	if errors.Is(err, errKilled) {
		return x.killedBeforeStart(), nil
	}
	x.log.Error().Err(err).Msg("launch failed")
	return frame.Failure(frame.ReasonLaunch, time.Now(), "%v", err), nil
}

func (x *run) killedBeforeStart() frame.Exit {
	return frame.Failure(frame.ReasonKilled, time.Now(), "killed before the command started")
}

func (x *run) logRequest() rqlog.Request {
	return rqlog.Request{
		Path: rqlog.Path(x.job.promise.Frame), UID: x.plan.Order.UID, GID: x.plan.Order.GID, Groups: x.plan.Order.Groups,
	}
}

// openLog makes the rqlog with its header. The command's output never passes through here.
func (x *run) openLog() error {
	req := x.logRequest()
	file, err := x.cfg.Guard.Open(req, rqlog.Create)
	if err != nil {
		return err
	}
	x.output = file
	x.cfg.Watcher.Add(req)
	head := rqlog.Header(x.headerInfo(req.Path))
	if x.plan.Notice != "" {
		head = append(head, rqlog.Notice(x.plan.Notice)...)
	}
	return x.write(head)
}

func (x *run) write(text []byte) error {
	x.written += int64(len(text))
	return x.cfg.Guard.Do(x.logRequest().Path, func() error {
		_, err := x.output.Write(text)
		return err
	})
}

func (x *run) headerInfo(path string) rqlog.HeaderInfo {
	f, p := x.job.promise.Frame, x.cfg.Policy
	return rqlog.HeaderInfo{
		Frame: f, HostName: p.HostName, LogPath: path, Environment: x.plan.Order.Environment, Now: time.Now(),
		FrameTempDir: filepath.Join(p.WorkingDir, f.JobName, f.Name),
		Image:        x.plan.Image, Shell: p.ShellPath, UID: x.plan.Order.UID, GID: x.plan.Order.GID,
		WorkingDir: p.WorkingDir, CPUs: x.job.promise.Reservation.CPUs,
	}
}

// conclude writes the footer. A log that cannot take it does not change how the frame ended.
func (x *run) conclude(exit frame.Exit) {
	status, signal := exit.Status()
	text := rqlog.Footer(rqlog.FooterInfo{
		ExitStatus: status, ExitSignal: signal, KillMessage: x.job.KillMessage(), Detail: exit.Detail,
		Start: x.started, End: exit.Ended, Figures: exit.Figures, HostName: x.cfg.Policy.HostName,
		Children: exit.Figures.Processes,
	})
	req := x.logRequest()
	err := x.cfg.Guard.Do(req.Path, func() error {
		file, err := rqlog.Reopen(req)
		if err != nil {
			return err
		}
		_, err = file.Write(text)
		return errors.Join(err, file.Close())
	})
	if err != nil {
		x.log.Warn().Err(err).Str("log", req.Path).Msg("write footer")
	}
}

// figuresOf turns frameinit's figures into the domain's.
func figuresOf(f wire.Figures) frame.Figures {
	out := frame.Figures{
		// What frameinit counts is anonymous and shared memory once: that is what PSS is for.
		RSS: f.RSS, MaxRSS: f.MaxRSS, PSS: f.RSS, MaxPSS: f.MaxRSS, VSize: f.VSize, MaxVSize: f.MaxVSize, Swap: f.Swap,
		UserTime: millis(f.UserMillis), SystemTime: millis(f.SystemMillis),
	}
	for _, p := range f.Processes {
		out.Processes = append(out.Processes, frame.Process{
			PID: p.PID, Name: p.Name, State: p.State, RSS: p.RSS, VSize: p.VSize, Cmdline: p.Cmdline,
			Started: time.UnixMilli(p.UnixMillis),
		})
	}
	return out
}
