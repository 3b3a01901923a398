package runner

import (
	"context"
	"sync"
	"time"

	"rqdswarm/internal/engine"
)

// eventsRetry is the wait before the engine's events are asked for again.
const eventsRetry = time.Second

// hints wakes the jobs whose container something happened to.
type hints struct {
	mu   sync.Mutex
	jobs map[string]*Job // By container name.
}

func newHints() hints { return hints{jobs: make(map[string]*Job)} }

func (h *hints) add(j *Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[j.promise.Container] = j
}

func (h *hints) remove(j *Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.jobs, j.promise.Container)
}

func (h *hints) has(container string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.jobs[container] != nil
}

func (h *hints) poke(container string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if j := h.jobs[container]; j != nil {
		j.poke()
	}
}

// die is for a container that has ended.
func (h *hints) die(container string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if j := h.jobs[container]; j != nil {
		j.dead.Store(true)
		j.poke()
	}
}

func (h *hints) pokeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, j := range h.jobs {
		j.poke()
	}
}

// Follow listens to the engine's events and wakes the frames they are about, until ctx ends.
// Events get lost: each time the stream is opened again every frame looks for itself.
func (r *Runner) Follow(ctx context.Context) error {
	labels := map[string]string{LabelRole: RoleFrame, LabelHost: r.cfg.Policy.HostName}
	for ctx.Err() == nil {
		err := r.ping(ctx)
		if err == nil {
			events, failed := r.cfg.Observer.Events(ctx, labels)
			r.setEngine(nil)
			r.hints.pokeAll()
			err = r.forward(ctx, events, failed)
		}
		if ctx.Err() != nil {
			break
		}
		r.setEngine(err)
		select {
		case <-time.After(eventsRetry):
		case <-ctx.Done():
		}
	}
	return nil
}

const (
	// pingEvery is how often the engine is asked for a sign of life while its event stream is open: one that hangs
	// keeps its connections. It is also what an idle RQD costs, so it is seldom.
	pingEvery = time.Minute
	pingLimit = 10 * time.Second
)

func (r *Runner) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	return r.cfg.Observer.Ping(ctx)
}

// forward hands the events on until their stream breaks, and asks beside it whether the engine answers.
func (r *Runner) forward(ctx context.Context, events <-chan engine.Event, failed <-chan error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, answer := time.NewTimer(pingEvery), make(chan error, 1)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			go func() { answer <- r.ping(ctx) }()
		case err := <-answer:
			r.setEngine(err)
			next.Reset(pingEvery)
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case e, ok := <-events:
			if !ok {
				return <-failed
			}
			switch e.Action {
			case "die":
				r.hints.die(e.Name)
				r.died(e.Name)
			case "destroy":
				r.hints.poke(e.Name)
			case engine.ActionMissed:
				r.hints.pokeAll()
			}
		}
	}
}
