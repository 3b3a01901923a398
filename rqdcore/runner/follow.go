package runner

import (
	"context"
	"errors"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/link"
)

const (
	// inspectCall bounds a look at a container.
	inspectCall = 10 * time.Second
	// lookAgain is how often a container without a connected frameinit is looked at. With one
	// connected there is nothing to poll: its end closes the connection.
	lookAgain = 2 * time.Second
)

// adopt takes over a container that an earlier RQD made, in whatever state it is.
func (x *run) adopt(ctx context.Context) (frame.Exit, error) {
	x.output.resume()
	x.log.Info().Msg("frame adopted")
	return x.follow(ctx)
}

// follow waits for the end of a container that may run. Each turn handles one thing that
// happened; the frame is over when a turn knows how it ended.
func (x *run) follow(ctx context.Context) (frame.Exit, error) {
	look := time.NewTimer(0) // An adopted container may be over already; a new one costs one inspect.
	defer look.Stop()
	if !x.job.adopted {
		look.Reset(lookAgain)
	}
	killed, step := x.job.Killed(), time.NewTimer(time.Hour)
	defer step.Stop()
	for {
		var exit *frame.Exit
		select {
		case <-ctx.Done():
			return frame.Exit{}, ctx.Err()
		case ev := <-x.session.Events():
			exit = x.hear(ctx, ev)
			if ev.Err != nil && x.foreign == nil {
				look.Reset(0)
			}
		case <-x.job.hint:
			look.Reset(0)
		case l := <-x.ready:
			x.sendOrder(l)
		case <-look.C:
			exit = x.look(ctx)
			if x.peer == nil {
				look.Reset(lookAgain)
			}
		case <-killed:
			killed = nil
			step.Reset(0)
		case <-step.C:
			step.Reset(x.escalate(ctx))
		}
		if exit != nil {
			return *exit, nil
		}
	}
}

// hear handles one message of frameinit.
func (x *run) hear(ctx context.Context, ev link.Event) *frame.Exit {
	if ev.Err != nil {
		if ev.Peer == x.peer {
			x.peer = nil
		}
		x.log.Debug().Err(ev.Err).Msg("frameinit disconnected")
		if errors.Is(ev.Err, link.ErrVersion) && x.foreign == nil {
			x.estrange(ctx, ev.Err)
		}
		return nil
	}
	switch m := ev.Message; {
	case m.Hello != nil:
		return x.welcome(ev.Peer, *m.Hello)
	case m.Started != nil:
		x.begin(*m.Started)
	case m.Figures != nil:
		x.measure(*m.Figures)
	case m.NeedLog != nil:
		x.log.Warn().Str("reason", m.NeedLog.Reason).Msg("rqlog descriptor went stale")
		x.sendLog(ev.Peer)
	case m.Exit != nil:
		return x.record(*m.Exit)
	}
	return nil
}

// estrange notes that frameinit speaks another protocol. Its frame is not measured, and runs until
// its end or that of its lease: nothing is lost but what only a connection can tell.
func (x *run) estrange(ctx context.Context, why error) {
	x.foreign = why
	x.log.Error().Err(why).Stringer("lease", x.cfg.Policy.Lease).Msg("frame of another RQD version cannot be spoken to: it ends by itself or with its lease")
	if x.job.WasKilled() {
		x.engineSignal(ctx, "SIGTERM")
	}
}

// welcome answers a new connection by what frameinit is waiting for.
func (x *run) welcome(peer *link.Peer, h wire.Hello) *frame.Exit {
	x.peer = peer
	if h.Started != nil {
		x.begin(*h.Started)
	}
	if h.Figures != nil {
		x.measure(*h.Figures)
	}
	switch h.Phase {
	case wire.PhaseExited:
		if h.Exit != nil {
			return x.record(*h.Exit)
		}
	case wire.PhaseWaiting:
		switch {
		case x.job.WasKilled():
		case x.job.promise.Recovered:
			x.job.Abandon("RQD lost its state before the command was started")
		default:
			x.order()
		}
	case wire.PhaseRunning:
	}
	if x.job.WasKilled() {
		x.sendKill(peer)
	}
	return nil
}

func (x *run) begin(s wire.Started) {
	if x.started.IsZero() {
		x.started = time.UnixMilli(s.UnixMillis)
		x.log.Info().Msg("frame started")
		// A frame may run for days, and hundreds beside it: what was only for its start is let go.
		x.plan.Spec, x.tried, x.plan.Order.Environment = engine.Spec{}, engine.Spec{}, nil
	}
}

func (x *run) measure(f wire.Figures) {
	x.job.measure(figuresOf(f))
	x.job.logGrew(x.output.updated())
}

// record takes frameinit's word for how the command ended.
func (x *run) record(e wire.Exit) *frame.Exit {
	if x.peer != nil {
		_ = x.peer.Ack() // A courtesy: the record is on its standard output as well.
	}
	x.job.said.Store(true)
	x.job.logGrew(x.output.updated())
	exit := exitOfRecord(e, x.job)
	return &exit
}

// look asks the engine how the container is, and knows the end when there is one.
func (x *run) look(ctx context.Context) *frame.Exit {
	c, err := x.inspect(ctx)
	if errors.Is(err, engine.ErrNotFound) {
		if x.peer != nil {
			return nil // Gone from the list, but process 1 still holds its connection.
		}
		exit := exitOfAbsence(x.job, x.started)
		return &exit
	}
	if err != nil {
		x.log.Debug().Err(err).Msg("inspect container")
		return nil
	}
	x.job.setContainer(c.ID)
	x.session.SetContainer(c.ID)
	switch c.State {
	case engine.StateCreated:
		if !x.job.adopted {
			return nil
		}
		exit := frame.Failure(frame.ReasonLost, time.Now(), "RQD ended before the container was started")
		if x.job.WasKilled() {
			exit = x.killedBeforeStart()
		}
		return &exit
	case engine.StateExited, engine.StateDead:
		return x.exitOfContainer(ctx, c)
	}
	return nil
}
