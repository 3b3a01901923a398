package swarm

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// Labels that Swarm puts on the container of a task; LabelServiceID holds what a manager knows the service by.
const (
	LabelServiceID   = "com.docker.swarm.service.id"
	labelServiceName = "com.docker.swarm.service.name"
	labelTaskID      = "com.docker.swarm.task.id"
	labelTaskName    = "com.docker.swarm.task.name"
	labelNodeID      = "com.docker.swarm.node.id"
	labelStack       = "com.docker.stack.namespace"
)

// Inspector reads one container.
type Inspector interface {
	Inspect(ctx context.Context, id string) (engine.Container, error)
}

// Process is what finding ourselves needs to know of the process that asks.
type Process struct {
	Root     string // Where /proc is, "/" outside tests.
	Hostname string
	Started  time.Time
}

// Self is this supervisor. The zero Container means that it runs bare on a host: other
// supervisors cannot see it, so it should be the only one.
type Self struct {
	Container engine.Container
	Created   time.Time // Of the container, or of the process when there is none.
	Started   time.Time // Likewise.
	Ended     time.Time // When the run of our container before this one ended; zero in its first.
}

// Find returns the container that p runs in, or a bare Self when the engine knows of none. Only an
// engine that does not answer is an error.
func Find(ctx context.Context, in Inspector, p Process) (Self, error) {
	for _, id := range candidates(p.Root, p.Hostname) {
		c, err := in.Inspect(ctx, id)
		switch {
		case errors.Is(err, engine.ErrNotFound):
			continue // Another engine's container, or a host name that only looks like an id.
		case err != nil:
			return Self{}, fmt.Errorf("find own container %s: %w", id, err)
		case !strings.HasPrefix(c.ID, id):
			continue // A container that has our host name as its name.
		}
		self := Self{Container: c, Created: c.Created, Started: c.StartedAt}
		if c.FinishedAt.Before(c.StartedAt) {
			self.Ended = c.FinishedAt // The engine keeps it when it starts a container again.
		}
		return self, nil
	}
	return Self{Created: p.Started, Started: p.Started}, nil
}

// InContainer is false for a supervisor that runs bare on a host.
func (s Self) InContainer() bool { return s.Container.ID != "" }

// ShortID names this supervisor in container names and log lines.
func (s Self) ShortID() string {
	if !s.InContainer() {
		return "bare"
	}
	return s.Container.ID[:12]
}

// Identity is what Swarm calls us, as the labels and log fields that describe the RQD container's owner.
// Keys are short names: service, task, node, stack. Nothing is there under plain docker run or compose.
func (s Self) Identity() map[string]string {
	names := map[string]string{}
	for key, label := range map[string]string{"service": labelServiceName, "task": labelTaskName, "node": labelNodeID, "stack": labelStack} {
		if v := s.Container.Labels[label]; v != "" {
			names[key] = v
		}
	}
	return names
}

// GivenHostname is the host name that somebody chose for our container, for example with Swarm's
// `--hostname '{{.Node.Hostname}}'`. The engine's own choice, the container id, is none.
func (s Self) GivenHostname() string {
	h := s.Container.Hostname
	if h == "" || strings.HasPrefix(s.Container.ID, h) {
		return ""
	}
	return h
}

// HostPath translates a path that we see into the host's, by way of our own mounts. ok is false
// when no mount of a host directory covers it.
func (s Self) HostPath(inside string) (host string, ok bool) {
	best := -1
	for _, m := range s.Container.Mounts {
		rest, below := strings.CutPrefix(inside, m.Target)
		if m.Type != engine.MountBind || !below || len(m.Target) <= best || (rest != "" && rest[0] != '/') {
			continue
		}
		best, host, ok = len(m.Target), path.Join(m.Source, rest), true
	}
	return host, ok
}
