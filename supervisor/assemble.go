package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/granted"
	"rqdswarm/supervisor/health"
	"rqdswarm/supervisor/output"
	"rqdswarm/supervisor/pull"
	"rqdswarm/supervisor/reconcile"
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
	reconcile.Images
	Info(ctx context.Context) (engine.Info, error)
	ServiceStopGrace(ctx context.Context, id string) (time.Duration, error)
}

// dependencies are what the world gives to a supervisor; a test gives another world.
type dependencies struct {
	Engine        edge
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

// newHost finds out what the host grants, and tells warn what it does not.
func newHost(e granted.Engine, self swarm.Self, warn func(string)) *engine.Degrader {
	return engine.NewDegrader(e, warn).Asking(func(ctx context.Context) ([]string, error) { return granted.Ask(ctx, e, self) })
}

// assemble finds out where we are and puts the parts together. Nothing runs yet, and nothing has been changed.
func assemble(ctx context.Context, cfg config, d dependencies) (*supervisor, error) {
	place, err := locate(ctx, cfg, d)
	if err != nil {
		return nil, err
	}
	if place.info.Rootless {
		return nil, errors.New("the engine is rootless: want one that runs as root, frames run as the artists, whose ids a rootless engine cannot take")
	}
	log := d.Log
	for key, value := range place.identity() {
		log = log.With().Str(key, value).Logger()
	}
	log.Info().Str("version", buildinfo.Version).Str("image", cfg.Image).Str("rqd", cfg.Name).Str("hostname", place.spec.Hostname).
		Stringer("stop_grace", cfg.StopGrace).Str("pull", string(cfg.Pull)).Int("files", len(place.files)).Str("engine", place.info.Version).
		Bool("in_container", place.self.InContainer()).Str("self", place.self.ShortID()).Msg("supervisor started")
	for _, warning := range slices.Concat(place.warnings(), cfg.graceWarnings(), cfg.stopWarnings(place)) {
		log.Warn().Msg(warning)
	}
	probe := health.EngineProbe(d.Engine, health.Addresses(place.spec, health.Hosts(d.Process.Root)))
	monitor := health.NewMonitor(probe, cfg.ReadyTimeout)
	options := reconcile.Options{
		Name: cfg.Name, Grace: cfg.StopGrace, Self: place.self, Engine: d.Engine, Host: newHost(d.Engine, place.self, func(lost string) { log.Warn().Msg(lost) }),
		Peers:   swarm.NewPeers(d.Engine, place.self, cfg.Name),
		Planner: newPlanner(cfg, d, place, log),
		Printer: output.NewPrinter(d.Engine, d.Stdout, d.Stderr, log),
		Health:  monitor, Log: log,
	}
	if cfg.RemoveOldImage {
		options.Images = d.Engine
	}
	listener, err := d.Listen(cfg.HealthSocket)
	if err != nil {
		return nil, err
	}
	return &supervisor{loop: reconcile.New(options), monitor: monitor, listener: listener}, nil
}
