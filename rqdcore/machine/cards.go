package machine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// probeInterval is between two looks at the graphics cards, as in the Python RQD. In a container each one costs
	// the engine a container.
	probeInterval = time.Minute
	probeTimeout  = 30 * time.Second // Of one look, which may start a container.
)

// cards keeps what was last known of the graphics cards. A failed look changes nothing: the
// next one is as good as the first.
type cards struct {
	probe GPUProbe

	mu   sync.Mutex
	list []GPU
}

// look asks the probe once.
func (c *cards) look(ctx context.Context) error {
	if c.probe == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	list, err := c.probe.GPUs(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = list
	return nil
}

func (c *cards) known() []GPU {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// Run looks at the graphics cards from time to time until ctx ends, and then returns nil. It
// logs when they stop answering and when they answer again.
func (m *Machine) Run(ctx context.Context, log zerolog.Logger) error {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	answering := m.answered
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		switch err := m.cards.look(ctx); {
		case err != nil && answering && ctx.Err() == nil:
			log.Warn().Err(err).Msg("graphics cards stopped answering")
			answering = false
		case err == nil && !answering:
			log.Info().Int("gpus", len(m.cards.known())).Msg("graphics cards answered again")
			answering = true
		}
	}
}
