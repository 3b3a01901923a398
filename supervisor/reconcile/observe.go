package reconcile

import (
	"context"
	"errors"
	"fmt"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/runline"
	"rqdswarm/supervisor/swarm"
)

// view is one look at the engine: what Decide sees, and the containers behind it.
type view struct {
	Observation
	peers   []swarm.Peer
	current engine.Container // Zero when Absent.
	next    engine.Container // Zero unless Next.
	retired []engine.Container
	litter  []engine.Container
	images  []string // That nothing will use.
}

// memory is what an observation needs to know besides the engine's list.
type memory struct {
	plan    *runline.Plan // Nil until resolved.
	watched string        // The container that we have seen run as RQD.
	started string        // The container that we have started.
	images  []string      // Of RQDs that we have replaced, to be removed.
}

// observe looks at the engine.
func (l *Loop) observe(ctx context.Context) (view, error) {
	var v view
	var err error
	if v.peers, err = l.o.Peers.List(ctx); err != nil {
		return view{}, err
	}
	v.Newer, v.Older = swarm.Standing(l.o.Self, v.peers)
	ours, err := l.o.Engine.List(ctx, map[string]string{runline.LabelRQD: l.o.Name})
	if err != nil {
		return view{}, fmt.Errorf("list containers of %s: %w", l.o.Name, err)
	}
	current, err := l.o.Engine.Inspect(ctx, l.o.Name)
	switch {
	case errors.Is(err, engine.ErrNotFound) || (err == nil && current.Name != l.o.Name):
	case err != nil:
		return view{}, fmt.Errorf("inspect %s: %w", l.o.Name, err)
	default:
		v.current = current
	}
	m := l.remembered
	v.Resolved = m.plan != nil
	v.Current = condition(v.current, l.o.Name, m)
	for _, c := range ours {
		if c.ID != v.current.ID {
			v.sort(c, nextName(l.o.Name), m.plan)
		}
	}
	if !v.Older { // An older supervisor may want its image back.
		v.images = m.images
	}
	v.Retired, v.Litter = len(v.retired) > 0, len(v.litter)+len(v.images) > 0
	return v, nil
}

// condition says what the container with RQD's name, or the zero one, is to us.
func condition(c engine.Container, name string, m memory) Condition {
	if c.ID == "" {
		if m.watched != "" {
			return Vanished
		}
		return Absent
	}
	if c.Labels[runline.LabelRQD] != name {
		return Foreign
	}
	wanted := m.plan == nil || c.Labels[runline.LabelSpec] == m.plan.Hash
	switch c.State {
	case engine.StateRemoving:
		return Removing
	case engine.StateCreated:
		if wanted {
			return Created
		}
		return CreatedOther
	case engine.StateExited, engine.StateDead:
		switch c.ID {
		case m.started:
			return Ended
		case m.watched:
			return Adopted
		}
		return Exited
	}
	switch {
	case !wanted:
		return RunningOther
	case c.Health == "unhealthy" && c.ID != m.watched && c.ID != m.started:
		return Unhealthy
	default:
		return Running
	}
}

// sort puts a container of ours that does not have RQD's name where it belongs.
func (v *view) sort(c engine.Container, next string, plan *runline.Plan) {
	switch c.State {
	case engine.StateRemoving:
	case engine.StateCreated:
		if c.Name == next && plan != nil && c.Labels[runline.LabelSpec] == plan.Hash {
			v.Next, v.next = true, c
			return
		}
		v.litter = append(v.litter, c)
	case engine.StateExited, engine.StateDead:
		v.litter = append(v.litter, c)
	default:
		v.retired = append(v.retired, c)
	}
}
