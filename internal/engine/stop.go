package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
)

// Stop sends the container's stop signal and kills it if it still runs after the grace, which is
// rounded up to whole seconds. It returns when the container has ended; one that had ended already
// is no error. The engine keeps the time, so the deadline holds even if ctx or this process ends
// first, but for the few versions of stopDiesWithClient. Of two stops at once the shorter wins.
func (c *Client) Stop(ctx context.Context, id string, grace time.Duration) error {
	if grace < 0 {
		grace = 0
	}
	version, err := c.api.ServerVersion(ctx)
	if err != nil {
		return classify("stop container", err)
	}
	if stopDiesWithClient(version.Version) {
		return classify("stop container", c.stopByHand(ctx, id, grace))
	}
	seconds := int((grace + time.Second - 1) / time.Second)
	return classify("stop container", c.api.ContainerStop(ctx, id, container.StopOptions{Timeout: &seconds}))
}

// stopDiesWithClient names the engines that tie a stop to its request: there, a client that dies
// during the grace means SIGKILL at once (moby 23.0.0 to 23.0.6, 24.0.0 to 24.0.2).
func stopDiesWithClient(version string) bool {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return false
	}
	return minor == 0 && (major == 23 && patch <= 6 || major == 24 && patch <= 2)
}

// stopByHand is a stop whose grace is kept here. If ctx ends during it, the container keeps the
// signal it got and is not killed: the lesser evil, for a render.
func (c *Client) stopByHand(ctx context.Context, id string, grace time.Duration) error {
	raw, err := c.api.ContainerInspect(ctx, id)
	if err != nil {
		return err
	}
	signal := "SIGTERM"
	if raw.Config != nil && raw.Config.StopSignal != "" {
		signal = raw.Config.StopSignal
	}
	ended, failed := c.api.ContainerWait(ctx, id, container.WaitConditionNotRunning)
	if err := c.killIfRunning(ctx, id, signal); err != nil {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case err := <-failed:
		return err
	case <-timer.C:
	}
	if err := c.killIfRunning(ctx, id, "SIGKILL"); err != nil {
		return err
	}
	select {
	case <-ended:
		return nil
	case err := <-failed:
		return err
	}
}

// killIfRunning takes a container that has just ended for a success.
func (c *Client) killIfRunning(ctx context.Context, id, signal string) error {
	err := c.Signal(ctx, id, signal)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}
