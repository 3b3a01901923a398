package reconcile

import (
	"context"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/output"
)

// tend keeps what goes along with a step: whose output we print, which RQD counts for our health, and
// which one gets the signals.
func (l *Loop) tend(ctx context.Context, step Step, v view) {
	l.tendOutput(ctx, v)
	switch {
	case v.Ending != Staying:
		l.o.Health.Idle("the supervisor is ending")
	case v.Newer:
		l.o.Health.Idle("standing by, a newer supervisor owns rqd")
		l.remembered.watched, l.remembered.started = "", ""
		l.stoodBy = time.Now()
	case step == Watch:
		if l.remembered.watched != v.current.ID && l.remembered.started != v.current.ID {
			l.o.Log.Info().Str("container", short(v.current.ID)).Time("started_at", v.current.StartedAt).Msg("running rqd adopted")
		}
		l.remembered.watched = v.current.ID
		l.o.Health.Watch(v.current.ID)
	default:
		l.o.Health.Unwatch()
	}
}

// tendOutput prints what our RQDs write while we own them, and up to the hand-over afterwards.
func (l *Loop) tendOutput(ctx context.Context, v view) {
	if !v.Newer && l.regained.Before(l.stoodBy) {
		l.regained = time.Now()
	}
	until := output.LastOwned(l.o.Self, v.peers)
	for _, f := range l.followers {
		f.Until(until)
	}
	if v.Newer {
		return
	}
	for _, c := range v.alive() {
		if f := l.followers[c.ID]; f == nil || f.Ended() {
			l.follow(ctx, c, v)
		}
	}
}

// follow begins to print a container's output: all of it when we started it, else from where the last owner stopped.
func (l *Loop) follow(ctx context.Context, c engine.Container, v view) {
	l.followers[c.ID] = l.o.Printer.Follow(ctx, c.ID, l.source(c, v))
}

// source is where the last owner stopped. Where all others are dead, what it had not got to is found in their output.
func (l *Loop) source(c engine.Container, v view) output.Source {
	if c.ID == l.remembered.started {
		return output.Source{}
	}
	from := output.Source{Since: output.Cut(l.o.Self, v.peers)}
	if l.stoodBy.After(from.Since) { // The newer one is gone without a trace of when.
		return output.Source{Since: l.regained}
	}
	if traceless := from.Since.Equal(l.o.Self.Started); traceless || v.Older || v.Newer || !l.o.Self.InContainer() || time.Until(from.Since) > 0 {
		return from
	}
	from.Printers = append(from.Printers, l.o.Self.Container.ID)
	for _, p := range v.peers {
		from.Printers = append(from.Printers, p.ID)
	}
	return from
}

// alive are the containers of ours in which an RQD runs.
func (v view) alive() []engine.Container {
	list := append([]engine.Container(nil), v.retired...)
	if v.Current.runs() {
		list = append(list, v.current)
	}
	return list
}

// unused are the containers of ours that can go while RQD runs.
func (v view) unused() []engine.Container {
	list := append([]engine.Container(nil), v.litter...)
	if v.Next {
		list = append(list, v.next)
	}
	return list
}
