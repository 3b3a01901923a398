package engine

import (
	"context"
	"errors"
)

// refineRemoval tells the two conflicts of a removal apart: running, or being removed already. The
// engine gives them the same status and differs only in prose, so the container's state is asked.
func (c *Client) refineRemoval(ctx context.Context, id string, err error) error {
	if !errors.Is(err, ErrConflict) {
		return err
	}
	found, inspectErr := c.Inspect(ctx, id)
	switch {
	case errors.Is(inspectErr, ErrNotFound):
		return as(ErrNotFound, err)
	case inspectErr != nil:
		return errors.Join(err, inspectErr)
	case found.State == StateRunning || found.State == StatePaused || found.State == StateRestarting:
		return err
	}
	return as(ErrRemoving, err)
}
