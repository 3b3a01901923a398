package engine

import (
	"context"
	"errors"
)

// refineRemoval tells the two conflicts of a removal apart: running, or being removed already. The
// engine gives them the same status and differs only in prose. A forced removal meets only the
// second, and while that kills the container its state still says running; else the state decides.
func (c *Client) refineRemoval(ctx context.Context, r removal) error {
	if !errors.Is(r.err, ErrConflict) {
		return r.err
	}
	if r.Force {
		return as(ErrRemoving, r.err)
	}
	found, inspectErr := c.Inspect(ctx, r.id)
	switch {
	case errors.Is(inspectErr, ErrNotFound):
		return as(ErrNotFound, r.err)
	case inspectErr != nil:
		return errors.Join(r.err, inspectErr)
	case found.State == StateRunning || found.State == StatePaused || found.State == StateRestarting:
		return r.err
	}
	return as(ErrRemoving, r.err)
}

// removal is one that was tried, and what came of it.
type removal struct {
	RemoveOptions
	id  string
	err error
}
