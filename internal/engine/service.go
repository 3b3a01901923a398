package engine

import (
	"context"
	"errors"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// swarmGrace is a service's stop grace period where it says none.
const swarmGrace = 10 * time.Second

// ServiceStopGrace is the stop grace period of a Swarm service. Only a manager knows it; a worker's answer is an error.
func (c *Client) ServiceStopGrace(ctx context.Context, id string) (time.Duration, error) {
	service, _, err := c.api.ServiceInspectWithRaw(ctx, id, swarm.ServiceInspectOptions{})
	if err != nil {
		return 0, classify("inspect service", err)
	}
	spec := service.Spec.TaskTemplate.ContainerSpec
	switch {
	case spec == nil:
		return 0, as(ErrInvalid, errors.New("inspect service: it runs no containers"))
	case spec.StopGracePeriod == nil:
		return swarmGrace, nil
	}
	return *spec.StopGracePeriod, nil
}
