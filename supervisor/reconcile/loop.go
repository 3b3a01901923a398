package reconcile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/output"
	"rqdswarm/supervisor/swarm"
)

// The times of the loop. Events wake it; the tick is the net under them.
const (
	tick = 5 * time.Second
	// lingers is for how long a supervisor that is asked to end waits to see whether the newer one stays. It is no shorter
	// than the hand-over of RQD's output.
	lingers = output.Handover + 500*time.Millisecond
	// lookTime bounds one observation, actTime one call that changes something.
	lookTime = 20 * time.Second
	actTime  = 60 * time.Second
	// drainTime bounds the wait for the last lines of an RQD that has ended; nobody may be reading our stdout.
	drainTime = 5 * time.Second
)

// Options are what a Loop is made of.
type Options struct {
	Name    string        // Of RQD's container.
	Grace   time.Duration // Between SIGTERM and SIGKILL.
	Self    swarm.Self
	Engine  Engine
	Peers   Peers
	Planner Planner
	Printer *output.Printer
	Health  Health
	Host    Host
	Images  Images // Nil leaves the images of replaced RQDs alone.
	Log     zerolog.Logger
}

// Loop owns RQD's container. Run is its one goroutine; Signal may be called from any.
type Loop struct {
	o       Options
	signals chan os.Signal
	wake    chan struct{}

	// What follows belongs to Run's goroutine.
	remembered memory
	ending     Ending
	asked      time.Time // When the end was asked for.
	signalled  time.Time // When the first signal to end came.
	failure    error     // Why we end, when nobody asked.
	busy       *effect
	trouble    trouble
	followers  map[string]*output.Follower
	said       Step      // The last step that was logged.
	stoodBy    time.Time // When we last saw a newer supervisor.
	regained   time.Time // When we saw it no more.
}

// New returns a loop that has not looked at anything yet.
func New(o Options) *Loop {
	return &Loop{
		o:         o,
		signals:   make(chan os.Signal, 64),
		wake:      make(chan struct{}, 1),
		followers: map[string]*output.Follower{},
		said:      -1,
	}
}

// Signal hands over a signal that this process got. It never blocks.
func (l *Loop) Signal(s os.Signal) {
	select {
	case l.signals <- s:
	default: // So many unread signals that one more says nothing.
	}
}

// Run keeps one RQD of the wanted spec until it is asked to end or RQD ends, and returns RQD's exit
// code. A cancelled ctx ends it at once and leaves RQD as it is.
func (l *Loop) Run(ctx context.Context) (code int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	watching := l.watchEvents(ctx)
	defer func() {
		cancel()
		l.abandon()
		watching.Wait()
	}()
	for {
		l.o.Health.Beat()
		v, err := l.look(ctx)
		if err != nil {
			if err := l.unseen(ctx, err); err != nil {
				return 0, err
			}
			continue
		}
		step := Decide(v.Observation)
		l.say(step, v)
		if err := l.trouble.settle(step); err != nil {
			return 0, l.giveUp(ctx, v, err)
		}
		if step.Final() {
			return l.end(ctx, step, v)
		}
		l.tend(ctx, step, v)
		l.begin(ctx, step, v)
		if err := l.wait(ctx, l.pause(step)); err != nil {
			return 0, err
		}
	}
}

// look observes, within bounds.
func (l *Loop) look(ctx context.Context) (view, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	v, err := l.observe(ctx)
	if err != nil {
		return view{}, err
	}
	v.Ending = l.ending
	v.Lingered = l.ending != Staying && time.Since(l.asked) >= lingers
	v.Stopping = l.busy != nil && l.busy.step == Stop
	l.trouble.seen()
	return v, nil
}

// unseen waits after an observation failed. An engine that is away comes back, or the health check gives up; only a
// supervisor that is asked to end cannot wait for ever.
func (l *Loop) unseen(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !errors.Is(err, engine.ErrUnavailable) && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	patience := l.o.Grace + actTime
	if l.ending == AtOnce || (l.ending != Staying && time.Since(l.asked) > patience) {
		return fmt.Errorf("asked to end, but rqd's state is not known: %w", err)
	}
	if l.trouble.unseen() == 1 {
		l.o.Log.Warn().Err(err).Msg("engine did not answer")
	}
	return l.wait(ctx, l.trouble.delay())
}

// pause is for how long a step leaves things to themselves.
func (l *Loop) pause(step Step) time.Duration {
	switch {
	case l.trouble.err != nil:
		return l.trouble.delay()
	case step == Linger:
		return max(lingers-time.Since(l.asked), time.Millisecond)
	case step == Wait:
		return time.Second
	default:
		return tick
	}
}

// wait returns at the next input: a signal, an event, the end of the effect at work, or the time.
func (l *Loop) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var done <-chan outcome
	if l.busy != nil {
		done = l.busy.done
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case s := <-l.signals:
		l.take(ctx, s)
	case err := <-l.o.Health.Lost():
		l.fail(err)
	case <-l.wake:
	case out := <-done:
		l.finished(out)
	case <-timer.C:
	}
	return nil
}

// say logs a step that differs from the last one.
func (l *Loop) say(step Step, v view) {
	if step == l.said {
		return
	}
	l.said = step
	if step == StandBy {
		l.o.Log.Info().Msg("a newer supervisor owns rqd, standing by")
	}
	l.o.Log.Debug().Stringer("step", step).Stringer("current", v.Current).Bool("newer", v.Newer).Bool("older", v.Older).Msg("next step")
}
