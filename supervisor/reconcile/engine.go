package reconcile

import (
	"context"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/runline"
	"rqdswarm/supervisor/swarm"
)

// Store is the engine as the place where containers are.
type Store interface {
	List(ctx context.Context, labels map[string]string) ([]engine.Container, error)
	Inspect(ctx context.Context, idOrName string) (engine.Container, error)
	Events(ctx context.Context, labels map[string]string) (<-chan engine.Event, <-chan error)
}

// Maker is the engine as what makes a container and takes it away.
type Maker interface {
	Create(ctx context.Context, s engine.Spec) (id string, warnings []string, err error)
	CopyTo(ctx context.Context, id string, files []engine.File) error
	Rename(ctx context.Context, id, name string) error
	Remove(ctx context.Context, id string, o engine.RemoveOptions) error
}

// Runner is the engine as what runs a container's process.
type Runner interface {
	Start(ctx context.Context, id string) error
	Stop(ctx context.Context, id string, grace time.Duration) error
	Signal(ctx context.Context, id, signal string) error
}

// Engine is all that the loop asks of the engine.
type Engine interface {
	Store
	Maker
	Runner
}

// Images is where the images of replaced RQDs are removed.
type Images interface {
	RemoveImage(ctx context.Context, ref string) error
}

// Peers lists the other supervisors of our RQD.
type Peers interface {
	List(ctx context.Context) ([]swarm.Peer, error)
}

// Planner finds out what RQD should be: it gets the image and seals the spec.
type Planner interface {
	Plan(ctx context.Context) (runline.Plan, error)
}

// Health is told which RQD counts, and tells when it has been away for too long.
type Health interface {
	Watch(id string)
	Unwatch()
	Idle(why string)
	Beat()
	Lost() <-chan error
}

// Host says what of a spec this host grants, before anything is touched for its sake.
type Host interface {
	Preflight(ctx context.Context, s engine.Spec) (engine.Spec, error)
}
