package report

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// retrySenders bounds the attempts under way for completions that failed before or were left
	// by an earlier RQD. A new one is sent at once, whatever hangs.
	retrySenders   = 32
	retryMin       = 500 * time.Millisecond
	retryMax       = 15 * time.Second
	idle           = time.Hour
	deliveryLinger = 2 * time.Second // What attempts under way get when Run ends.
)

// Run delivers until ctx ends: the oldest that is due first, and the completions of one frame
// one after the other. It returns nil. What is still owed then, the next RQD delivers.
func (o *Outbox) Run(ctx context.Context) error {
	defer close(o.ended)
	attempts, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var under sync.WaitGroup
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, wait := o.pick(attempts, time.Now())
		for _, d := range due {
			under.Go(func() { o.deliver(d) })
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-o.wake:
		case <-timer.C:
		}
	}
	linger := time.AfterFunc(deliveryLinger, stop)
	defer linger.Stop()
	under.Wait()
	return nil
}

// delivery is one attempt for one entry.
type delivery struct {
	*entry
	ctx   context.Context
	owed  bool // Else only the document has to go.
	first bool
}

// pick claims everything that is due and may be sent now, and says when to look again. What
// waits longest comes first: the oldest after a start, and none can be starved by those that hang.
func (o *Outbox) pick(ctx context.Context, now time.Time) (picked []delivery, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	due, wait := o.due(now)
	slices.SortStableFunc(due, func(a, b *entry) int { return a.due.Compare(b.due) })
	for _, e := range due {
		if e.fresh || o.retries < retrySenders { // Else the end of an attempt wakes Run.
			picked = append(picked, o.begin(ctx, e))
		}
	}
	return picked, wait
}

// due lists what may be tried, and how long it is until there is more. The caller holds the lock.
func (o *Outbox) due(now time.Time) (due []*entry, wait time.Duration) {
	wait = idle
	waiting := make(map[string]bool) // Frames with an older completion that is still owed.
	for _, e := range o.owed {
		inTurn := e.isOver || !waiting[e.frameID()]
		if !e.isOver {
			waiting[e.frameID()] = true
		}
		switch {
		case e.attempt != nil || !inTurn:
		case e.due.After(now):
			wait = min(wait, e.due.Sub(now))
		default:
			due = append(due, e)
		}
	}
	return due, wait
}

// begin claims the entry for an attempt. The caller holds the lock.
func (o *Outbox) begin(ctx context.Context, e *entry) delivery {
	ctx, e.cancel = context.WithCancel(ctx)
	e.attempt = make(chan struct{})
	d := delivery{entry: e, ctx: ctx, owed: !e.isOver, first: e.fresh}
	e.fresh = false
	if !d.first {
		o.retries++
	}
	return d
}

// deliver sends the completion, with the host as it is now, and deletes its document when it is taken.
func (o *Outbox) deliver(d delivery) {
	var err error
	if d.owed {
		err = o.cfg.Cuebot.Complete(d.ctx, d.completion, o.cfg.Host.Report().Host)
	}
	if o.answered(d, err) {
		if err = o.erase(d.entry); err != nil {
			o.cfg.Log.Warn().Err(err).Str("frame_id", d.frameID()).Msg("completion settled, its document stays")
		}
	}
	o.settle(d.entry, err)
}

// answered frees the sender and says whether the completion is over: taken now, or dropped meanwhile.
func (o *Outbox) answered(d delivery, err error) (over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d.cancel()
	d.cancel = nil
	if !d.first {
		o.retries--
	}
	signal(o.wake)
	log := o.cfg.Log.With().Str("frame_id", d.frameID()).Int("attempt", d.failures+1).Logger()
	switch {
	case d.isOver:
	case err == nil && d.failures == 0:
		log.Debug().Msg("completion delivered")
	case err == nil:
		log.Info().Msg("completion delivered")
	case d.failures == 0:
		log.Warn().Err(err).Msg("completion not delivered, will be tried for ever")
	default:
		log.Debug().Err(err).Msg("completion not delivered")
	}
	if err == nil {
		d.end()
	}
	return d.isOver
}

// settle ends the attempt that the entry was claimed for. An entry that is over and has no
// document is forgotten; any other is tried again later.
func (o *Outbox) settle(e *entry, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(e.attempt)
	e.attempt = nil
	if err == nil {
		o.remove(e)
		return
	}
	e.due = time.Now().Add(retryIn(e.failures))
	e.failures++
	signal(o.wake)
}

// remove forgets an entry. The caller holds the lock.
func (o *Outbox) remove(e *entry) {
	o.owed = slices.DeleteFunc(o.owed, func(x *entry) bool { return x == e })
}

// retryIn doubles up to retryMax, less a fifth at random: hosts that lost Cuebot together do not come back together.
func retryIn(failures int) time.Duration {
	wait := min(retryMin<<min(failures, 10), retryMax)
	return wait - rand.N(wait/5)
}
