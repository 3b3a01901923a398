package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rqdswarm/rqdcore/minicue/farm"
)

type runCmd struct {
	OS         string            `help:"Key of the image, as in [docker.images] of rqd.conf. Without it any host does, with its first image." placeholder:"KEY"`
	Range      frameRange        `help:"Frames, such as 1-8, 1-100x10 or 1,5,9 (default ${default})." default:"1" placeholder:"RANGE"`
	Cores      cores             `help:"Cores for each frame, such as 2 or 0.5 (default ${default})." default:"1" placeholder:"N"`
	Memory     memory            `help:"Memory each frame needs; it may use twice as much (default ${default})." default:"512m" placeholder:"SIZE"`
	Threadable bool              `help:"The command can use all threads of its cores."`
	GPUs       int32             `help:"GPUs for each frame (default ${default})." name:"gpus" default:"0" placeholder:"N"`
	Env        map[string]string `help:"A variable of the frames' environment. May be repeated." mapsep:"none" placeholder:"NAME=VALUE"`
	User       string            `help:"Whose frames they are. Default: you; artist for root." placeholder:"NAME"`
	UID        *int32            `help:"Numeric user the frames run as. Default: yours; 1500 for root, as whom RQD runs nothing." name:"uid" placeholder:"N"`
	Show       string            `help:"Show (default ${default})." default:"demo" placeholder:"NAME"`
	Shot       string            `help:"Shot (default ${default})." default:"test" placeholder:"NAME"`
	Job        string            `help:"Job (default ${default})." default:"run" placeholder:"NAME"`
	Layer      string            `help:"Layer (default ${default})." default:"render" placeholder:"NAME"`
	LogDir     string            `help:"Directory of the rqlogs, as RQD sees it. Default: below the server's --log-root." placeholder:"DIR"`
	Retries    int               `help:"How often a failed frame is tried again (default ${default})." default:"0" placeholder:"N"`
	MaxRuns    int               `help:"Give a frame up after N runs, also where Cuebot would try for ever: after memory failures and skip-retry. Default: retries + 1." default:"0" placeholder:"N"`
	Forever    bool              `help:"Try as long as Cuebot would, without that bound."`
	Timeout    int               `help:"Minutes a frame may take; Cuebot kills it then (default: no limit)." default:"0" placeholder:"MINUTES"`
	NoLog      bool              `help:"Do not follow the log of a single frame."`
	JSON       bool              `help:"Print what happens as JSON, one object a line."`
	Command    []string          `arg:"" optional:"" help:"After --: the command. One argument is a shell command line, several are run as they are. #IFRAME# is the frame's number, #ZFRAME# the same with four digits, #FRAME# its name, #LAYER# and #JOB# as given." passthrough:"partial" placeholder:"COMMAND"`
}

// Help explains the exit status; kong shows it below the summary.
func (*runCmd) Help() string {
	return `Exit status: 0 when all frames succeeded, else that of the frame that failed first: its own (1-255),
128 + the signal when it was killed by one (137 for minicue kill), 1 for the statuses above 255 that only
OpenCue knows (256: could not be launched). 2 for a wrong command line. After an interrupt the frames
are killed and the status is 130. A second interrupt does not wait for them.`
}

// Run submits the job and stays with it to its end.
func (c *runCmd) Run(ctx context.Context, env *Env, cl *client) error {
	spec, err := c.spec()
	if err != nil {
		return usage(err)
	}
	log := c.follower(spec, env)
	began := time.Now()
	job, err := cl.submit(ctx, spec)
	if r := (*refusal)(nil); errors.As(err, &r) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	w := &watch{env: env, client: cl, job: job, began: began, log: log, show: newProgress(env.Stderr, job, spec)}
	if c.JSON {
		w.show = &jsonProgress{out: env.Stdout}
	}
	if log != nil {
		log.path = job.Frames[0].Log
		defer log.close()
	}
	return w.untilOver(ctx)
}

// follower is for the log of a job of one frame; nil when no log is to be followed.
func (c *runCmd) follower(spec farm.Job, env *Env) *follower {
	numbers, err := farm.ParseRange(spec.Range)
	if err != nil || len(numbers) != 1 || c.NoLog || c.JSON {
		return nil
	}
	path, known := spec.LogPath(numbers[0])
	if !known {
		path = ""
	}
	return newFollower(path, env.Stdout)
}

// spec is the job that the flags describe.
func (c *runCmd) spec() (farm.Job, error) {
	args := c.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return farm.Job{}, errors.New("no command: give it after --, for example minicue run --os rocky9 -- sh -c 'echo hello'")
	}
	user, uid := submitter(c.User, c.UID)
	j := farm.Job{
		Show: c.Show, Shot: c.Shot, User: user, UID: uid, Name: c.Job, Layer: c.Layer,
		Command: commandLine(args), OS: c.OS, Range: string(c.Range), Cores: farm.Points(c.Cores),
		Memory: int64(c.Memory), GPUs: c.GPUs, Threadable: c.Threadable, Env: c.Env, LogDir: c.LogDir,
		Retries: c.Retries, Timeout: c.Timeout, MaxRuns: c.MaxRuns,
	}
	switch {
	case c.Forever && c.MaxRuns != 0:
		return j, errors.New("give --max-runs or --forever, not both")
	case !c.Forever && c.MaxRuns == 0:
		j.MaxRuns = c.Retries + 1
	}
	return j, nil
}

const (
	logPoll    = 200 * time.Millisecond
	killWait   = 15 * time.Second // After an interrupt, for the hosts to say that the frames are dead.
	retryEvery = time.Second
	retries    = 10 // Calls to the server in a row that may fail.
)

// watch stays with a job until all its frames are final.
type watch struct {
	env    *Env
	client *client
	job    farm.JobView
	began  time.Time
	show   progress
	log    *follower // nil when no log is followed.

	final   []farm.Event
	code    int // Of the first frame that failed.
	stopped int // Exit code once interrupted.
}

// progress shows what happens to a job.
type progress interface {
	begin()
	event(farm.Event)
	waiting(why string)
	note(string)
	end(final []farm.Event, took time.Duration)
}

type page struct {
	farm.EventPage
	err error
}

func (w *watch) untilOver(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.show.begin()
	pages := make(chan page)
	go w.readEvents(ctx, pages)
	poll := time.NewTicker(logPoll)
	defer poll.Stop()
	var gaveUp <-chan time.Time
	for {
		select {
		case p := <-pages:
			if p.err != nil {
				return p.err
			}
			w.take(p.EventPage)
			if p.Over {
				return w.over()
			}
		case <-poll.C:
			w.pollLog()
		case sig := <-w.env.Signals:
			if w.stopped != 0 {
				return w.leave("not waiting for the frames that are being killed")
			}
			w.stopped = 128 + signalNumber(sig)
			gaveUp = time.After(killWait)
			w.kill(ctx)
		case <-gaveUp:
			return w.leave(fmt.Sprintf("after %s some hosts have not said that their frames are dead", killWait))
		}
	}
}

// readEvents hands on page after page. A server that is away for a moment is asked again.
func (w *watch) readEvents(ctx context.Context, pages chan<- page) {
	after, failures := 0, 0
	for {
		p, err := w.client.events(ctx, w.job.ID, after)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			failures = 0
			after = p.Next
		case errors.Is(err, errUnreachable) && failures < retries:
			failures++
			select {
			case <-time.After(retryEvery):
				continue
			case <-ctx.Done():
				return
			}
		}
		if r := (*refusal)(nil); errors.As(err, &r) {
			err = fmt.Errorf("job %s is gone, minicue serve was restarted; its frames may still run", w.job.Name)
		}
		select {
		case pages <- page{p, err}:
		case <-ctx.Done():
			return
		}
		if err != nil || p.Over {
			return
		}
	}
}

func (w *watch) take(p farm.EventPage) {
	for _, e := range p.Events {
		w.pollLog() // What the frame said comes before the line that says how it ended.
		if e.Final {
			w.final = append(w.final, e)
			if w.code == 0 {
				w.code = exitCode(e)
			}
		}
		w.show.event(e)
	}
	if len(p.Events) == 0 { // Nothing has happened for a while.
		w.show.waiting(p.Waiting)
	}
}

func (w *watch) pollLog() {
	if w.log != nil {
		w.log.poll()
	}
}

func (w *watch) kill(ctx context.Context) {
	w.show.note("killing the frames")
	if _, err := w.client.killJob(ctx, w.job.ID); err != nil {
		w.show.note("kill: " + err.Error())
	}
}

func (w *watch) over() error {
	w.pollLog()
	if w.log != nil {
		if why := w.log.unseen(); why != "" && started(w.final) {
			w.show.note("log " + w.job.Frames[0].Log + " on " + w.final[0].Host + ": " + why)
		}
	}
	w.show.end(w.final, time.Since(w.began))
	return w.exit()
}

func started(final []farm.Event) bool { return len(final) > 0 && final[0].Host != "" }

func (w *watch) leave(why string) error {
	w.show.note(why)
	return w.exit()
}

func (w *watch) exit() error {
	if code := max(w.stopped, 0); code != 0 {
		return &exitError{code: code}
	}
	if w.code != 0 {
		return &exitError{code: w.code}
	}
	return nil
}
