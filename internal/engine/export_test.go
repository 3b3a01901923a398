package engine

import (
	"context"
	"time"
)

// StopByHand lets the tests of real engines drive the stop for those that forget the time.
func (c *Client) StopByHand(ctx context.Context, id string, grace time.Duration) error {
	return c.stopByHand(ctx, id, grace)
}
