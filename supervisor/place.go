package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/registry"
	"rqdswarm/supervisor/pull"
	"rqdswarm/supervisor/runargs"
	"rqdswarm/supervisor/runline"
	"rqdswarm/supervisor/swarm"
)

// place is where we are, and what RQD is to be there.
type place struct {
	self  swarm.Self
	info  engine.Info
	spec  engine.Spec
	files []engine.File
	// serviceGrace is the service's stop grace period; zero where nobody here knows it.
	serviceGrace time.Duration
}

// locate reads the task's files and flags, and asks the engine about itself and us.
func locate(ctx context.Context, cfg config, d dependencies) (place, error) {
	var p place
	var err error
	if p.files, err = runline.Files(d.Process.Root, cfg.Files); err != nil {
		return place{}, &configError{err}
	}
	if p.files, err = runline.WithLogin(d.Process.Root, cfg.RegistryConfig, p.files); err != nil {
		return place{}, &configError{err}
	}
	extra, err := runargs.Parse(cfg.RunArgs, runargs.Context{Environ: d.Environ, ReadFile: func(path string) ([]byte, error) {
		return os.ReadFile(filepath.Join(d.Process.Root, path))
	}})
	if err != nil {
		return place{}, &configError{err}
	}
	if p.self, err = swarm.Find(ctx, d.Engine, d.Process); err != nil {
		return place{}, err
	}
	if p.info, err = d.Engine.Info(ctx); err != nil {
		return place{}, err
	}
	if id := p.self.Container.Labels[swarm.LabelServiceID]; id != "" {
		p.serviceGrace, _ = d.Engine.ServiceStopGrace(ctx, id) // Workers do not know it.
	}
	p.spec = runline.Spec(runline.Options{
		Name: cfg.Name, Image: cfg.Image, Socket: socketOnHost(p.self, d.EngineAddress),
		Hostname: runline.Hostname(cfg.Hostname, p.self.GivenHostname(), p.info.Name),
		Environ:  d.Environ, Own: ownVariables(), Extra: extra,
	})
	return p, nil
}

// identity is what Swarm calls us, the node by its name: a task's labels have its id only.
func (p place) identity() map[string]string {
	names := p.self.Identity()
	if names["node"] != "" && p.info.Name != "" {
		names["node"] = p.info.Name
	}
	return names
}

// warnings says what is unusual about where we run.
func (p place) warnings() []string {
	switch {
	case !p.self.InContainer():
		return []string{"not in a container of this engine: other supervisors of this rqd cannot see us, there should be none"}
	case p.self.Container.Labels[swarm.RoleLabel] != swarm.RoleSupervisor:
		return []string{fmt.Sprintf("our container lacks the label %s=%s: supervisors of other services cannot see us", swarm.RoleLabel, swarm.RoleSupervisor)}
	}
	return nil
}

// socketOnHost is where the engine's socket lies on the host: RQD gets the engine that we have.
func socketOnHost(self swarm.Self, address string) string {
	path, unix := strings.CutPrefix(address, "unix://")
	if !unix {
		return runline.DefaultSocket
	}
	if !self.InContainer() {
		return path
	}
	for _, spelling := range []string{path, strings.TrimPrefix(path, "/var"), "/var" + path} { // /var/run is a link to /run.
		if host, ok := self.HostPath(spelling); ok {
			return host
		}
	}
	return runline.DefaultSocket
}

// The times of a failed update that nobody can shorten by configuration, at most: the verdict of the health check on a
// supervisor whose RQD is never ready, and what creating and starting take twice.
const (
	verdictTime = 70 * time.Second
	startTime   = 10 * time.Second
	// cuebotPatience is the time without a report after which Cuebot calls a host down and books its frames elsewhere.
	cuebotPatience = 300 * time.Second
)

// graceWarnings adds up for how long a failed update may leave the host without RQD: the old one stops, the new one is
// given up, it stops, and the old one starts again.
func (c config) graceWarnings() []string {
	sum := 2*c.StopGrace + verdictTime + 2*startTime
	if sum < cuebotPatience*3/4 {
		return nil
	}
	return []string{fmt.Sprintf("STOP_GRACE_SECONDS=%d: an update that fails may leave the host without rqd for %s, and Cuebot gives it up after %s; RQD itself ends within seconds",
		int(c.StopGrace.Seconds()), sum, cuebotPatience)}
}

// lastWords is what the supervisor needs after RQD has stopped: to see whether another one stays, and for RQD's last lines.
const lastWords = 7 * time.Second

// engineGrace is what a container gets that says nothing about it, when it is stopped by hand or by compose.
const engineGrace = 10 * time.Second

// stopWarnings compares RQD's grace with ours, where ours can be seen: in the container's own definition, which compose and
// docker run write, and in the service's, which a Swarm manager knows.
func (c config) stopWarnings(p place) []string {
	ours, who := p.self.Container.StopTimeout, "stop_grace_period, or --stop-timeout, of our own container"
	switch {
	case p.serviceGrace > 0:
		ours, who = p.serviceGrace, "the service's --stop-grace-period"
	case ours == 0 && p.self.Identity()["service"] != "":
		return nil // Only a manager knows.
	case ours == 0 && c.StopGrace <= engineGrace, !p.self.InContainer():
		return nil // As much as everybody has who says nothing.
	case ours == 0:
		ours = engineGrace
	}
	if want := c.StopGrace + lastWords; ours < want {
		return []string{fmt.Sprintf("%s is %s: want at least %s, STOP_GRACE_SECONDS=%d and %s more, or the supervisor is killed while RQD still stops", who, ours, want, int(c.StopGrace.Seconds()), lastWords)}
	}
	return nil
}

// planner makes the plan of RQD once its image is here.
type planner struct {
	puller   pull.Puller
	place    place
	identity map[string]string
}

func newPlanner(cfg config, d dependencies, p place, log zerolog.Logger) *planner {
	store := registry.NewStore(d.Process.Root, cfg.RegistryConfig, d.Environ)
	return &planner{
		puller:   pull.Puller{Images: d.Engine, Reference: cfg.Image, Policy: cfg.Pull, Credentials: store.Credentials, Log: log},
		place:    p,
		identity: p.identity(),
	}
}

// Plan implements reconcile.Planner.
func (p *planner) Plan(ctx context.Context) (runline.Plan, error) {
	image, err := p.puller.Resolve(ctx)
	if err != nil {
		return runline.Plan{}, err
	}
	return runline.NewPlan(p.place.spec, image, p.place.files, p.identity)
}
