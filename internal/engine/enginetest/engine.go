package enginetest

import (
	"context"
	"time"

	"rqdswarm/internal/engine"
)

// Lifecycle is a container's way from Create to Remove.
type Lifecycle interface {
	Create(ctx context.Context, s engine.Spec) (id string, warnings []string, err error)
	Start(ctx context.Context, id string) error
	Signal(ctx context.Context, id, signal string) error
	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string, o engine.RemoveOptions) error
}

// Catalogue is which containers there are.
type Catalogue interface {
	Rename(ctx context.Context, id, name string) error
	List(ctx context.Context, labels map[string]string) ([]engine.Container, error)
	Inspect(ctx context.Context, idOrName string) (engine.Container, error)
}

// Streams is what flows into containers and out of them.
type Streams interface {
	CopyTo(ctx context.Context, id string, files []engine.File) error
	Logs(ctx context.Context, id string, o engine.LogOptions, deliver func(engine.LogLine) error) error
	Events(ctx context.Context, labels map[string]string) (<-chan engine.Event, <-chan error)
}

// Images is the engine's image store and its way to registries.
type Images interface {
	Image(ctx context.Context, ref string) (engine.Image, error)
	Pull(ctx context.Context, r engine.PullRequest) (string, error)
	RemoveImage(ctx context.Context, ref string) error
}

// Host is the engine itself and its volumes.
type Host interface {
	Ping(ctx context.Context) error
	Info(ctx context.Context) (engine.Info, error)
	VolumeInspect(ctx context.Context, name string) (engine.Volume, error)
	VolumeRemove(ctx context.Context, name string) error
}

// Engine is everything that Contract asks for, in parts that consumers need.
type Engine interface {
	Lifecycle
	Catalogue
	Streams
	Images
	Host
}

var (
	_ Engine = (*engine.Client)(nil)
	_ Engine = (*Fake)(nil)
)
