package main

import (
	"context"
	"errors"
	"fmt"

	"rqdswarm/rqdcore/journal"
	"rqdswarm/rqdcore/runner"
)

// loadPromises reads what an earlier RQD promised and brings it into line with what it owed, as a
// death between two writes may leave them.
func (p *parts) loadPromises(ctx context.Context) ([]runner.Promise, error) {
	var promises []runner.Promise
	aside, err := p.frames.Load(func(_ string, raw []byte) error {
		promise, err := runner.ParsePromise(raw)
		if err == nil {
			promises = append(promises, promise)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	l := losses{parts: p, all: p.frames.Fresh(), known: make(map[string]bool), taken: make(map[string]bool)}
	for _, problem := range aside {
		p.log.Error().Err(problem).Msg("promise unreadable")
		if aside, ok := errors.AsType[*journal.AsideError](problem); ok {
			l.unreadable = append(l.unreadable, aside.Name)
		}
	}
	var open []runner.Promise
	for _, promise := range promises {
		l.known[promise.Container], l.taken[promise.Frame.ID] = true, true
		if p.outbox.Owes(promise.Frame) {
			p.kept = append(p.kept, promise)
			continue
		}
		// What is owed for an earlier run is dropped, as the launch would have done.
		if err := p.outbox.Drop(promise.Frame.ID); err != nil {
			p.log.Warn().Err(err).Msg("completion of an earlier run stays on the disk for now")
		}
		open = append(open, promise)
	}
	recovered, err := l.recover(ctx)
	return append(open, recovered...), err
}

// adopt takes over the frames that were promised, and clears up behind those that ended.
func (p *parts) adopt(ctx context.Context) error {
	for _, promise := range p.promises {
		if err := p.host.Adopt(ctx, promise); err != nil {
			return fmt.Errorf("adopt frame %s: %w", promise.Frame.ID, err)
		}
	}
	for _, promise := range p.kept {
		if err := p.host.Forget(ctx, promise); err != nil {
			return fmt.Errorf("forget frame %s: %w", promise.Frame.ID, err)
		}
	}
	return nil
}
