package runner

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
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
	tried   engine.Spec // What the container was last created from: the plan's, less what the host refuses.
	session *link.Session
	peer    *link.Peer // frameinit, while it is connected.
	output  output
	ordered bool      // frameinit was sent its order: the command may run.
	started time.Time // When the command started, as frameinit says; zero before.
	kill    escalation
	foreign error // frameinit speaks another protocol; why and which.
	unread  int   // Looks that did not get frameinit's record from the engine.

	preparing bool          // The log for the order is being opened.
	ready     chan logReady // It is open; capacity 1.
}

func (r *Runner) newRun(j *Job) *run {
	f := j.promise.Frame
	x := &run{
		Runner: r, job: j, session: r.cfg.Link.Expect(j.promise.Token), ready: make(chan logReady, 1),
		log: r.cfg.Log.With().Str("frame_id", f.ID).Str("frame", f.Name).Str("container", j.promise.Container).Logger(),
	}
	if r.cfg.Policy.Namespaces.SharedPID() {
		x.session.SharesHostPID()
	}
	r.hints.add(j)
	return x
}

func (x *run) close() {
	if !x.job.said.Load() { // Else Discard does, when it knows of the container's end.
		x.hints.remove(x.job)
	}
	x.session.Close()
	switch {
	case x.preparing: // With a file system that hangs.
		go func() {
			if l := <-x.ready; l.file != nil {
				_ = l.file.Close()
			}
			x.output.close()
		}()
	case x.output != nil:
		x.output.close()
	}
}

// life is everything up to the exit.
func (x *run) life(ctx context.Context) (frame.Exit, error) {
	var planErr error
	x.plan, planErr = x.cfg.Policy.Plan(x.job.promise)
	var err error
	if x.output, err = x.newOutput(); err != nil { //nolint:contextcheck // Loki gets what a frame said also when it is over.
		return frame.Failure(frame.ReasonLaunch, time.Now(), "open log: %v", err), nil
	}
	if x.job.adopted {
		return x.adopt(ctx)
	}
	if x.job.WasKilled() {
		return x.killedBeforeStart(), nil
	}
	if err := x.openLog(ctx); err != nil {
		if x.job.WasKilled() {
			return x.killedBeforeStart(), nil
		}
		return frame.Failure(frame.ReasonLaunch, time.Now(), "open log: %v", err), nil
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

func (x *run) newOutput() (output, error) {
	f := x.job.promise.Frame
	if f.LokiURL != "" {
		return newLokiOutput(x.job, x.cfg.Policy.HostName, x.log)
	}
	return &fileOutput{guard: x.cfg.Guard, watcher: x.cfg.Watcher, req: rqlog.Request{
		Path: rqlog.Path(f), UID: x.plan.Order.UID, GID: x.plan.Order.GID, Groups: x.plan.Order.Groups,
	}}, nil
}

// openLog makes the log with its header. A kill does not wait for the log's file system.
func (x *run) openLog(ctx context.Context) error {
	waits, cancel := x.untilKilled(ctx)
	defer cancel()
	return x.output.open(waits, rqlog.Header(x.headerInfo()))
}

func (x *run) headerInfo() rqlog.HeaderInfo {
	f, p := x.job.promise.Frame, x.cfg.Policy
	return rqlog.HeaderInfo{
		Frame: f, HostName: p.HostName, LogPath: rqlog.Path(f), Environment: x.plan.Order.Environment, Now: time.Now(),
		FrameTempDir: filepath.Join(p.WorkingDir, f.JobName, f.Name),
		Image:        x.plan.Image, Shell: p.ShellPath, UID: x.plan.Order.UID, GID: x.plan.Order.GID,
		WorkingDir: p.WorkingDir, CPUs: x.job.promise.Reservation.CPUs, GPUMode: p.Container.GPUs,
	}
}

// conclude writes the footer. A log that cannot take it does not change how the frame ended.
func (x *run) conclude(exit frame.Exit) {
	status, signal := exit.Status()
	started, message := x.started, x.job.KillMessage()
	if started.IsZero() && exit.RunTime > 0 { // It ended while RQD was away.
		started = exit.Ended.Add(-exit.RunTime)
	}
	if message == "" && exit.Reason == frame.ReasonLogLimit {
		message = exit.Detail // As the Python RQD does, which kills such a frame itself.
	}
	text := rqlog.Footer(rqlog.FooterInfo{
		ExitStatus: status, ExitSignal: signal, KillMessage: message, Detail: exit.Detail,
		Start: started, End: exit.Ended, Figures: exit.Figures, HostName: x.cfg.Policy.HostName,
		Children: exit.Figures.Processes,
	})
	if x.output == nil {
		return
	}
	if err := x.output.finish(text); err != nil {
		x.log.Warn().Err(err).Msg("write footer")
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
