package report

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// senders bounds the completions under way. Those that failed before get half of it, so
	// that no number of them can keep a new one waiting.
	senders        = 8
	retrySenders   = senders / 2
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
	retry bool
}

// pick claims everything that is due and for which a sender is free, and says when to look again.
func (o *Outbox) pick(ctx context.Context, now time.Time) (due []delivery, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait = idle
	waiting := make(map[string]bool) // Frames with an older completion that is still owed.
	for _, e := range o.owed {
		inTurn := e.isOver || !waiting[e.frameID()]
		if !e.isOver {
			waiting[e.frameID()] = true
		}
		retry := e.failures > 0
		switch {
		case e.attempt != nil || !inTurn:
		case e.due.After(now):
			wait = min(wait, e.due.Sub(now))
		case o.sending == senders || retry && o.retries == retrySenders:
			// The end of an attempt wakes Run.
		default:
			due = append(due, o.begin(ctx, e, retry))
		}
	}
	return due, wait
}

// begin claims the entry for an attempt. The caller holds the lock.
func (o *Outbox) begin(ctx context.Context, e *entry, retry bool) delivery {
	ctx, e.cancel = context.WithCancel(ctx)
	e.attempt = make(chan struct{})
	o.sending++
	if retry {
		o.retries++
	}
	return delivery{entry: e, ctx: ctx, owed: !e.isOver, retry: retry}
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
	o.sending--
	if d.retry {
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
