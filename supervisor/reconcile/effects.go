package reconcile

import (
	"context"
	"time"
)

// effect is a step at work. It runs beside the loop, so that signals are heard during a long pull or stop.
type effect struct {
	step   Step
	cancel context.CancelFunc
	done   chan outcome
}

// outcome is how an effect went: what the loop has to remember, and what went wrong.
type outcome struct {
	step  Step
	apply func()
	err   error
}

// begin puts a step to work. The same step at work already is left alone; another is ended first, and
// the loop looks again: what it observed is stale then.
func (l *Loop) begin(ctx context.Context, step Step, v view) {
	switch {
	case l.busy != nil && l.busy.step == step:
		return
	case l.busy != nil:
		l.interrupt()
		l.nudge()
		return
	case !step.acts() || l.trouble.waiting():
		return
	}
	w := l.worker(step, v)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan outcome, 1)
	l.busy = &effect{step: step, cancel: cancel, done: done}
	go func() {
		apply, err := w.perform(ctx, step)
		done <- outcome{step: step, apply: apply, err: err}
	}()
}

// interrupt ends the effect at work and waits for that. What it asked for may have happened all the same.
func (l *Loop) interrupt() {
	l.busy.cancel()
	out := <-l.busy.done
	out.err = nil
	l.finished(out)
}

// finished takes an effect's outcome.
func (l *Loop) finished(out outcome) {
	l.busy.cancel()
	l.busy = nil
	if out.apply != nil {
		out.apply()
	}
	if out.step == Stop {
		l.asked = time.Now() // A supervisor that came during the stop has as long again to see whose doing it was.
	}
	l.trouble.after(out)
	if out.err != nil && !hopeless(out) {
		l.o.Log.Warn().Err(out.err).Stringer("step", out.step).Msg("step failed, trying again")
	}
}

// worker makes what does a step, with all it needs: from here on the loop's own state is not its business. What a
// step changes about our memory is changed before it, since it may happen even if the step fails.
func (l *Loop) worker(step Step, v view) worker {
	switch {
	case step == Start, step == StopRetired && v.Current == Created:
		l.remembered.started = v.current.ID
	case step == Retire, step == Discard:
		l.remembered.watched, l.remembered.started = "", ""
		if plan := l.remembered.plan; l.o.Images != nil && plan != nil && v.current.ImageID != plan.ImageID {
			l.remembered.images = append(l.remembered.images, v.current.ImageID)
		}
	}
	w := worker{o: l.o, v: v, l: l, drain: map[string]func(context.Context){}}
	if l.remembered.plan != nil {
		w.plan = *l.remembered.plan
	}
	for id, f := range l.followers {
		w.drain[id] = f.Drain
	}
	return w
}
