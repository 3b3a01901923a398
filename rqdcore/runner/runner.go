package runner

import (
	"context"
	"runtime"
	"sync"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/link"
	"rqdswarm/rqdcore/rqlog"
)

// Containers is what of the engine concerns a frame's container.
type Containers interface {
	Create(ctx context.Context, spec engine.Spec) (id string, warnings []string, err error)
	Start(ctx context.Context, id string) error
	Signal(ctx context.Context, id, signal string) error
	Inspect(ctx context.Context, idOrName string) (engine.Container, error)
	Remove(ctx context.Context, id string, opts engine.RemoveOptions) error
	List(ctx context.Context, labels map[string]string) ([]engine.Container, error)
}

// Observer is how the engine tells what happens to containers, and what they said.
type Observer interface {
	Events(ctx context.Context, labels map[string]string) (<-chan engine.Event, <-chan error)
	Logs(ctx context.Context, id string, opts engine.LogOptions, take func(engine.LogLine) error) error
	Ping(ctx context.Context) error
}

// Config is what New needs.
type Config struct {
	Policy     Policy
	Containers Containers
	Observer   Observer
	Images     *Images
	Used       func(image string)                                // Told of every image that a frame needs.
	Prune      func(used []string) (removed []string, err error) // Deletes the frameinits in the run directory but these.
	Link       *link.Server
	Watcher    *rqlog.Watcher
	Guard      *rqlog.Guard
	Space      func() Space // As it is known now; nil asks nobody.
	Log        zerolog.Logger
}

// Runner runs frames. Its methods may be called from several goroutines.
type Runner struct {
	cfg    Config
	starts chan struct{} // One token for each container that may be starting.
	hints  hints
	trash  *trash
	// degrader knows what this host refuses a frame, so that later frames do not ask for it.
	degrader *engine.Degrader

	mu     sync.Mutex
	engine error // Why the engine does not answer; nil when it does.
}

// New returns a runner; its Run serves nobody before Follow runs.
func New(cfg Config) *Runner {
	// More starts at once than this only make each of them slower: the engine is bound by the processor.
	atOnce := max(4, 2*runtime.NumCPU())
	warn := func(refused string) { cfg.Log.Warn().Msg("frames: " + refused) }
	return &Runner{
		cfg: cfg, starts: make(chan struct{}, atOnce), hints: newHints(), trash: newTrash(),
		degrader: engine.NewDegrader(cfg.Containers, warn),
	}
}

// Run takes a frame from its promise to its end. It returns an error only when ctx ends first:
// then the container goes on and the promise stays for the next RQD.
func (r *Runner) Run(ctx context.Context, j *Job) (frame.Exit, error) {
	x := r.newRun(j)
	defer x.close()
	exit, err := x.life(ctx)
	if err != nil {
		return frame.Exit{}, err
	}
	exit = j.ended(exit)
	if x.foreign != nil {
		exit.Detail = joinDetail(exit.Detail, x.foreign.Error())
	}
	exit.Figures = j.measure(exit.Figures)
	x.conclude(exit)
	return exit, nil
}
