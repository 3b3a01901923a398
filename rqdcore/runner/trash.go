package runner

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"rqdswarm/internal/engine"
)

// removeRetry is how long a container that cannot be removed yet is left alone.
const removeRetry = 5 * time.Second

// deathWait is how long the end of a frameinit that has said its last word is waited for. A container that is removed
// before it has ended is killed first, which costs the engine the start of one program more.
const deathWait = 2 * time.Second

// trash holds the containers that wait for their removal. Nobody waits for it: a container whose
// process 1 is stuck in I/O goes when the I/O returns.
type trash struct {
	names chan string

	mu    sync.Mutex
	dying map[string]*time.Timer // Containers that are about to end; the timer stops the wait.
}

func newTrash() *trash {
	return &trash{names: make(chan string, 1024), dying: make(map[string]*time.Timer)}
}

// Discard removes what is left of the frame's container, in the background.
func (r *Runner) Discard(j *Job) {
	container := j.promise.Container
	if !j.said.Load() {
		r.discard(container)
		return
	}
	r.trash.mu.Lock()
	r.trash.dying[container] = time.AfterFunc(deathWait, func() { r.died(container) })
	r.trash.mu.Unlock()
	if j.dead.Load() {
		r.died(container)
	}
	r.hints.remove(j)
}

// died is told of every frame's container that has ended.
func (r *Runner) died(container string) {
	r.trash.mu.Lock()
	timer := r.trash.dying[container]
	delete(r.trash.dying, container)
	r.trash.mu.Unlock()
	if timer != nil {
		timer.Stop()
		r.discard(container)
	}
}

// hurry waits for no container any more.
func (r *Runner) hurry() {
	r.trash.mu.Lock()
	names := slices.Collect(maps.Keys(r.trash.dying))
	r.trash.mu.Unlock()
	for _, name := range names {
		r.died(name)
	}
}

func (r *Runner) discard(container string) {
	select {
	case r.trash.names <- container:
	default: // So many wait that the engine must be ill. The next RQD sweeps what has no promise.
		r.cfg.Log.Warn().Str("container", container).Msg("removal left to the next start")
	}
}

// removers work through the trash; a single one would fall behind a stream of short frames.
const removers = 4

const (
	// sweepEvery is how often leftovers are looked for.
	sweepEvery = 10 * time.Minute
	// sweepAge keeps the sweep away from what is being created, or has just ended.
	sweepAge = time.Minute
)

// Sweep removes discarded containers until ctx ends, and at times what an RQD that died left
// behind: containers of this host that do not run and belong to no frame any more.
func (r *Runner) Sweep(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { r.sweepLeftovers(ctx) })
	for range removers {
		all.Go(func() {
			r.sweep(ctx)
			r.empty(ctx)
		})
	}
	all.Wait()
	return nil
}

// lastRemovals is how long an ending RQD still removes what was discarded. What is left then, the next one finds.
const lastRemovals = 3 * time.Second

// empty removes what waits already, after ctx has ended.
func (r *Runner) empty(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRemovals)
	defer cancel()
	r.hurry()
	for {
		select {
		case name := <-r.trash.names:
			if err := r.remove(ctx, name); err != nil {
				r.cfg.Log.Info().Err(err).Str("container", name).Msg("removal left to the next start")
			}
		default:
			return
		}
	}
}

func (r *Runner) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-r.trash.names:
			err := r.remove(ctx, name)
			switch {
			case err == nil:
			case ctx.Err() != nil:
				r.discard(name) // For empty, which is next.
			default:
				r.cfg.Log.Debug().Err(err).Str("container", name).Msg("container not removed yet")
				time.AfterFunc(removeRetry, func() { r.discard(name) })
			}
		}
	}
}

func (r *Runner) sweepLeftovers(ctx context.Context) {
	next := time.NewTimer(sweepAge) // Not at once: what an earlier RQD promised is adopted first.
	defer next.Stop()
	for {
		if err := r.pruneFrameInits(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Warn().Err(err).Msg("remove the frameinits of earlier RQDs")
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return
		}
		if err := r.discardLeftovers(ctx, sweepAge); err != nil && ctx.Err() == nil {
			r.cfg.Log.Warn().Err(err).Msg("look for leftover containers")
		}
		next.Reset(sweepEvery)
	}
}

// discardLeftovers discards containers that are older than age, have ended, and belong to no frame.
func (r *Runner) discardLeftovers(ctx context.Context, age time.Duration) error {
	list, err := r.cfg.Containers.List(ctx, map[string]string{LabelRole: RoleFrame, LabelHost: r.cfg.Policy.HostName})
	if err != nil {
		return err
	}
	for _, c := range list {
		if r.hints.has(c.Name) || time.Since(c.Created) < age {
			continue
		}
		if c.State == engine.StateRunning {
			// Its frameinit finds nobody who knows it and ends it when its lease is over.
			r.cfg.Log.Warn().Str("container", c.Name).Str("frame_id", c.Labels[LabelFrame]).Msg("container runs that no promise is known of")
			continue
		}
		r.cfg.Log.Info().Str("container", c.Name).Msg("leftover container removed")
		r.discard(c.Name)
	}
	return r.discardQueries(ctx, age)
}

// discardQueries discards what asked for the graphics cards when its RQD was killed, whoever's it was: none lives for a minute.
func (r *Runner) discardQueries(ctx context.Context, age time.Duration) error {
	list, err := r.cfg.Containers.List(ctx, map[string]string{LabelRole: RoleGPUQuery})
	if err != nil {
		return err
	}
	for _, c := range list {
		if time.Since(c.Created) >= age {
			r.discard(c.Name)
		}
	}
	return nil
}

// pruneFrameInits removes the frameinits of earlier RQDs that no container was started from. The
// run directory may have served other host names, so all frames of the engine count.
func (r *Runner) pruneFrameInits(ctx context.Context) error {
	list, err := r.cfg.Containers.List(ctx, map[string]string{LabelRole: RoleFrame})
	if err != nil {
		return err
	}
	used := []string{r.cfg.Policy.FrameInit}
	for _, c := range list {
		used = append(used, c.Labels[LabelInit])
	}
	removed, err := r.cfg.Prune(used)
	for _, name := range removed {
		r.cfg.Log.Info().Str("file", name).Msg("frameinit of an earlier RQD removed")
	}
	return err
}

func (r *Runner) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, inspectCall)
	defer cancel()
	err := r.cfg.Containers.Remove(ctx, name, engine.RemoveOptions{Force: true})
	if engine.IsGone(err) {
		return nil
	}
	return err
}
