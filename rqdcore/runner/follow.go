package runner

import (
	"context"
	"errors"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/link"
	"rqdswarm/rqdcore/rqlog"
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
			exit = x.hear(ev)
			if ev.Err != nil {
				look.Reset(0)
			}
		case <-x.job.hint:
			look.Reset(0)
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
func (x *run) hear(ev link.Event) *frame.Exit {
	if ev.Err != nil {
		if ev.Peer == x.peer {
			x.peer = nil
		}
		x.log.Debug().Err(ev.Err).Msg("frameinit disconnected")
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
		if !x.job.WasKilled() {
			x.order(peer)
		}
	case wire.PhaseRunning:
	}
	if x.job.WasKilled() {
		x.sendKill(peer)
	}
	return nil
}

// order sends frameinit its order with the log. A frameinit that lost its connection before
// the command started gets it again.
func (x *run) order(peer *link.Peer) {
	if err := x.output.note(rqlog.Started(x.job.promise.Frame, x.job.containerID())); err != nil {
		x.log.Warn().Err(err).Msg("write start notice")
	}
	file, size, err := x.output.descriptor()
	if err != nil {
		x.log.Error().Err(err).Msg("reopen log")
		x.job.Kill("RQD cannot open the log: " + err.Error())
		return
	}
	defer file.Close()
	order := x.plan.Order
	order.LogBytes = size
	if err := peer.Order(order, file); err != nil {
		x.log.Warn().Err(err).Msg("send order")
		return // The connection is broken; frameinit comes back and is ordered again.
	}
	x.ordered = true
}

// sendLog gives frameinit a fresh descriptor, in the background: opening may hang.
func (x *run) sendLog(peer *link.Peer) {
	out, log := x.output, x.log
	go func() {
		file, size, err := out.descriptor()
		if err != nil {
			log.Warn().Err(err).Msg("reopen log")
			return // frameinit asks again.
		}
		defer file.Close()
		if err := peer.Log(wire.Log{LogBytes: size}, file); err != nil {
			log.Warn().Err(err).Msg("send log")
		}
	}()
}

func (x *run) begin(s wire.Started) {
	if x.started.IsZero() {
		x.started = time.UnixMilli(s.UnixMillis)
		x.log.Info().Msg("frame started")
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
		return &exit
	case engine.StateExited, engine.StateDead:
		exit := x.exitOfContainer(ctx, c)
		return &exit
	}
	return nil
}
