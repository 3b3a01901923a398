package main

import (
	"context"
	"fmt"

	"rqdswarm/rqdcore/runner"
)

// loadPromises reads what an earlier RQD promised and brings it into line with what it owed, as a
// death between two writes may leave them.
func (p *parts) loadPromises() ([]runner.Promise, error) {
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
	for _, problem := range aside {
		p.log.Error().Err(problem).Msg("promise unreadable")
	}
	var open []runner.Promise
	for _, promise := range promises {
		kept, err := p.settled(promise)
		if err != nil {
			return nil, err
		}
		if !kept {
			open = append(open, promise)
		}
	}
	return open, nil
}

// settled says whether the promise was kept already: its completion is in the outbox. What the
// outbox has of an earlier run of the frame is dropped, as the launch would have done.
func (p *parts) settled(promise runner.Promise) (bool, error) {
	f := promise.Frame
	if !p.outbox.Owes(f) {
		return false, p.outbox.Drop(f.ID)
	}
	p.runner.Discard(runner.AdoptJob(promise))
	return true, p.frames.Delete(f.ID)
}

// adopt takes over the frames that were promised.
func (p *parts) adopt(ctx context.Context) error {
	for _, promise := range p.promises {
		if err := p.host.Adopt(ctx, promise); err != nil {
			return fmt.Errorf("adopt frame %s: %w", promise.Frame.ID, err)
		}
	}
	return nil
}
