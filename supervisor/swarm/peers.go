package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// RoleLabel with the value RoleSupervisor marks a container as a supervisor. It is the image's LABEL,
// so that every way of starting it, by Swarm, compose or hand, has it.
const (
	RoleLabel      = "org.rqdswarm.role"
	RoleSupervisor = "supervisor"
)

// NameVariable holds the name of the RQD container that a supervisor looks after, DefaultName where it is not set.
const (
	NameVariable = "RQD_NAME"
	DefaultName  = "rqd"
)

// Lister lists the containers that carry all labels.
type Lister interface {
	Inspector
	List(ctx context.Context, labels map[string]string) ([]engine.Container, error)
}

// Peer is another supervisor of the same RQD on this engine.
type Peer struct {
	ID       string
	Created  time.Time
	Started  time.Time
	Finished time.Time // Zero while it runs.
}

// Running says that the peer is alive.
func (p Peer) Running() bool { return p.Finished.IsZero() }

// Peers are all other supervisors of one RQD, the dead ones whose container is still there included.
type Peers struct {
	engine Lister
	self   Self
	name   string
	known  map[string]candidate
}

// candidate is what never changes about a container; ours says that it looks after our RQD.
type candidate struct {
	ours bool
	peer Peer
}

// NewPeers looks for the supervisors of the RQD called name.
func NewPeers(e Lister, self Self, name string) *Peers {
	return &Peers{engine: e, self: self, name: name, known: map[string]candidate{}}
}

// List returns the other supervisors. It may be called by one goroutine only.
func (p *Peers) List(ctx context.Context) ([]Peer, error) {
	selectors := []map[string]string{{RoleLabel: RoleSupervisor}}
	if id := p.self.Container.Labels[LabelServiceID]; id != "" {
		selectors = append(selectors, map[string]string{LabelServiceID: id})
	}
	seen := map[string]candidate{}
	var peers []Peer
	for _, labels := range selectors {
		list, err := p.engine.List(ctx, labels)
		if err != nil {
			return nil, fmt.Errorf("list supervisors: %w", err)
		}
		for _, c := range list {
			if _, twice := seen[c.ID]; twice || c.ID == p.self.Container.ID {
				continue
			}
			found, err := p.look(ctx, c)
			if errors.Is(err, engine.ErrNotFound) {
				continue // Gone since the list.
			}
			if err != nil {
				return nil, fmt.Errorf("inspect supervisor %s: %w", c.ID, err)
			}
			seen[c.ID] = found
			if found.ours && !found.peer.Started.IsZero() {
				peers = append(peers, found.peer)
			}
		}
	}
	p.known = seen
	return peers, nil
}

// look inspects a container that is new, or whose life has changed since the last look.
func (p *Peers) look(ctx context.Context, listed engine.Container) (candidate, error) {
	alive := lives(listed.State)
	if k, ok := p.known[listed.ID]; ok && (!k.ours || (!k.peer.Started.IsZero() && alive == k.peer.Running())) {
		return k, nil
	}
	c, err := p.engine.Inspect(ctx, listed.ID)
	if err != nil {
		return candidate{}, err
	}
	peer := Peer{ID: c.ID, Created: c.Created, Started: c.StartedAt}
	if !lives(c.State) {
		peer.Finished = c.FinishedAt
		if peer.Finished.IsZero() {
			peer.Finished = c.StartedAt
		}
	}
	return candidate{ours: RQDName(c.Env) == p.name && supervises(c.Cmd), peer: peer}, nil
}

// supervises says that a container of our image with these arguments looks after RQD. Someone may run another command
// in one, the doctor for example; it must not count as the newest owner.
func supervises(args []string) bool { return len(args) == 0 || args[0] == "run" }

func lives(s engine.State) bool { return s == engine.StateRunning || s == engine.StatePaused }

// Alive says whether any supervisor looks after RQD, self included.
func (p *Peers) Alive(ctx context.Context) (bool, error) {
	peers, err := p.List(ctx)
	if err != nil {
		return false, err
	}
	own := p.self.InContainer() && supervises(p.self.Container.Cmd)
	return own || slices.ContainsFunc(peers, Peer.Running), nil
}

// Standing says whether running supervisors newer or older than self are among peers. Of two that were created in
// the same nanosecond the one with the greater id is the newer, so that all agree.
func Standing(self Self, peers []Peer) (newer, older bool) {
	for _, p := range peers {
		switch {
		case !p.Running():
		case p.Created.After(self.Created), p.Created.Equal(self.Created) && p.ID > self.Container.ID:
			newer = true
		default:
			older = true
		}
	}
	return newer, older
}

// RQDName reads the name of the RQD that a supervisor with this environment looks after.
func RQDName(env []string) string {
	name := DefaultName
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, NameVariable+"="); ok && v != "" {
			name = v
		}
	}
	return name
}
