package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/health"
	"rqdswarm/supervisor/output"
	"rqdswarm/supervisor/pull"
	"rqdswarm/supervisor/reconcile"
	"rqdswarm/supervisor/runargs"
	"rqdswarm/supervisor/runline"
	"rqdswarm/supervisor/swarm"
)

// dialTime bounds the first contact with the engine.
const dialTime = 15 * time.Second

// configError is an error that the operator mends by changing what the supervisor was started with.
type configError struct{ error }

// Unwrap gives the error that it marks.
func (e *configError) Unwrap() error { return e.error }

// edge is what the supervisor as a whole asks of the engine.
type edge interface {
	reconcile.Engine
	output.Engine
	pull.Images
	Info(ctx context.Context) (engine.Info, error)
}

// dependencies are what the world gives to a supervisor; a test gives another world.
type dependencies struct {
	Engine        edge
	Host          reconcile.Host
	Process       swarm.Process
	EngineAddress string // As DOCKER_HOST.
	Environ       []string
	Stdout        io.Writer
	Stderr        io.Writer
	// Signals makes an actor that hands signals to a function; actor.Signals outside tests.
	Signals func(func(os.Signal) error) (execute func() error, interrupt func(error), stop func())
	// Listen opens the socket of the health check.
	Listen func(path string) (net.Listener, error)
	Log    zerolog.Logger
}

// supervisor are the parts that run.
type supervisor struct {
	loop     *reconcile.Loop
	monitor  *health.Monitor
	listener net.Listener
}

func dial(ctx context.Context) (*engine.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	client, err := engine.Dial(ctx, engine.Options{UserAgent: "rqd-supervisor/" + buildinfo.Version})
	if errors.Is(err, engine.ErrUnavailable) {
		return nil, fmt.Errorf("docker engine does not answer; is it running, and is its socket mounted here (--mount type=bind,source=%s,target=%[1]s)? %w", runline.DefaultSocket, err)
	}
	return client, err
}

func thisProcess() swarm.Process {
	hostname, _ := os.Hostname() // One of several ways to find ourselves; the others do without.
	return swarm.Process{Root: "/", Hostname: hostname, Started: time.Now()}
}

// assemble finds out where we are and puts the parts together. Nothing runs yet, and nothing has been changed.
func assemble(ctx context.Context, cfg config, d dependencies) (*supervisor, error) {
	files, err := runline.Files(d.Process.Root, cfg.Files)
	if err != nil {
		return nil, &configError{err}
	}
	extra, err := runargs.Parse(cfg.RunArgs, runargs.Context{Environ: d.Environ, ReadFile: func(path string) ([]byte, error) {
		return os.ReadFile(filepath.Join(d.Process.Root, path))
	}})
	if err != nil {
		return nil, &configError{err}
	}
	self, err := swarm.Find(ctx, d.Engine, d.Process)
	if err != nil {
		return nil, err
	}
	info, err := d.Engine.Info(ctx)
	if err != nil {
		return nil, err
	}
	log := d.Log
	for key, value := range self.Identity() {
		log = log.With().Str(key, value).Logger()
	}
	spec := runline.Spec(runline.Options{
		Name: cfg.Name, Image: cfg.Image, Socket: socketOnHost(self, d.EngineAddress),
		Hostname: runline.Hostname(cfg.Hostname, self.GivenHostname(), info.Name),
		Environ:  d.Environ, Own: ownVariables(), Extra: extra,
	})
	log.Info().Str("version", buildinfo.Version).Str("image", cfg.Image).Str("rqd", cfg.Name).Str("hostname", spec.Hostname).
		Dur("stop_grace", cfg.StopGrace).Str("pull", string(cfg.Pull)).Int("files", len(files)).Str("engine", info.Version).
		Bool("in_container", self.InContainer()).Str("self", self.ShortID()).Msg("supervisor started")
	warnings(self, log)

	monitor := health.NewMonitor(health.EngineProbe(d.Engine, health.Addresses(spec, health.Hosts(d.Process.Root))), cfg.ReadyTimeout)
	loop := reconcile.New(reconcile.Options{
		Name: cfg.Name, Grace: cfg.StopGrace, Self: self, Engine: d.Engine, Host: d.Host,
		Peers: swarm.NewPeers(d.Engine, self, cfg.Name),
		Planner: &planner{
			puller: pull.Puller{Images: d.Engine, Reference: cfg.Image, Policy: cfg.Pull, Log: log},
			spec:   spec, files: files, identity: self.Identity(),
		},
		Printer: output.NewPrinter(d.Engine, d.Stdout, d.Stderr, log),
		Health:  monitor, Log: log,
	})
	listener, err := d.Listen(cfg.HealthSocket)
	if err != nil {
		return nil, err
	}
	return &supervisor{loop: loop, monitor: monitor, listener: listener}, nil
}

// planner makes the plan of RQD once its image is here.
type planner struct {
	puller   pull.Puller
	spec     engine.Spec
	files    []engine.File
	identity map[string]string
}

// Plan implements reconcile.Planner.
func (p *planner) Plan(ctx context.Context) (runline.Plan, error) {
	image, err := p.puller.Resolve(ctx)
	if err != nil {
		return runline.Plan{}, err
	}
	return runline.NewPlan(p.spec, image, p.files, p.identity)
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

// warnings says what is unusual about where we run.
func warnings(self swarm.Self, log zerolog.Logger) {
	switch {
	case !self.InContainer():
		log.Warn().Msg("not in a container of this engine: other supervisors of this rqd cannot see us, there should be none")
	case self.Container.Labels[swarm.RoleLabel] != swarm.RoleSupervisor:
		log.Warn().Msgf("our container lacks the label %s=%s: supervisors of other services cannot see us", swarm.RoleLabel, swarm.RoleSupervisor)
	}
}
