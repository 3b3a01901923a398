package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/oklog/run"
	"github.com/rs/zerolog"

	"rqdswarm/internal/actor"
	"rqdswarm/internal/buildinfo"
	"rqdswarm/internal/logging"
	"rqdswarm/rqdcore/config"
	"rqdswarm/rqdcore/rpc"
)

// gcPercent is a quarter of Go's own: RQD works little, and lives on a host that others want the memory of.
const gcPercent = 25

// serve is RQD from its start to its end. It returns nil after a signal or a shutdown that
// was asked for: frames go on, and the next RQD adopts them.
func serve(ctx context.Context, cfg *config.Config, warnings []string, environ []string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log, err := newLogger(cfg)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	for _, w := range warnings {
		log.Warn().Msg(w)
	}
	logging.Mark(log.With().Str("version", buildinfo.Version).Str("config", cfg.Path).Logger(), "RQD Starting Up")
	listener, err := rpc.Listen(ctx, endpoint(cfg))
	if err != nil {
		return err
	}
	p, err := build(ctx, cfg, log, environ)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer p.close()
	return p.run(ctx, listener)
}

// run starts every part and waits for the first that ends. The port serves only once the
// frames of an earlier RQD are adopted: Cuebot reads "not found" as proof of death.
func (p *parts) run(ctx context.Context, listener net.Listener) error {
	var g run.Group
	{ // The part that ends when somebody wants RQD to end.
		execute, interrupt, stop := actor.Signals(p.signalled)
		defer stop()
		g.Add(execute, interrupt)
		g.Add(actor.Func(ctx, p.awaitQuit))
	}
	{ // The frames, and what tells them of the world.
		g.Add(actor.Func(ctx, p.host.Run))
		g.Add(actor.Func(ctx, p.link.Run))
		g.Add(actor.Func(ctx, p.runner.Follow))
		g.Add(actor.Func(ctx, p.runner.Sweep))
		g.Add(actor.Func(ctx, p.watcher.Run))
		g.Add(actor.Func(ctx, p.space.run))
		g.Add(actor.Func(ctx, p.refreshImages))
		g.Add(actor.Func(ctx, p.keeper.Run))
		g.Add(actor.Func(ctx, func(ctx context.Context) error { return p.facts.Run(ctx, p.log) }))
	}
	adopted := make(chan struct{})
	{ // Cuebot's calls.
		ctx, cancel := context.WithCancel(ctx)
		g.Add(func() error {
			if err := p.adopt(ctx); err != nil {
				return errors.Join(err, listener.Close())
			}
			close(adopted)
			return p.server.Serve(listener)
		}, func(error) {
			cancel()
			p.server.Stop()
		})
	}
	{ // Calls to Cuebot.
		g.Add(actor.Func(ctx, p.outbox.Run))
		g.Add(actor.Func(ctx, func(ctx context.Context) error {
			select {
			case <-adopted:
				return p.reporter.Run(ctx)
			case <-ctx.Done():
				return nil
			}
		}))
	}
	err := g.Run()
	if errors.Is(err, errLeave) {
		err = nil
	}
	logging.Mark(p.log.With().AnErr("error", err).Logger(), "RQD ended, its frames go on")
	return err
}

// newLogger writes to the console and, where FILE_LOG_LEVEL asks for it and there is one, to syslog.
func newLogger(cfg *config.Config) (zerolog.Logger, error) {
	console, err := logging.New(os.Stderr, cfg.ConsoleLogLevel, logging.Text)
	if err != nil || cfg.FileLogLevel == "" {
		return console, err
	}
	both, err := logging.WithSyslog(os.Stderr, cfg.ConsoleLogLevel, logging.Syslog{Socket: "/dev/log", Level: cfg.FileLogLevel})
	if err != nil {
		console.Warn().Err(err).Msg("FILE_LOG_LEVEL without effect")
		return console, nil
	}
	return both, nil
}

// errLeave ends the group without being a failure.
var errLeave = errors.New("asked to end")

// signalled ends RQD on SIGTERM and SIGINT. More of them change nothing: ending takes seconds at most.
func (p *parts) signalled(s os.Signal) error {
	if s != syscall.SIGTERM && s != syscall.SIGINT {
		p.log.Debug().Stringer("signal", s).Msg("signal ignored")
		return nil
	}
	p.log.Info().Stringer("signal", s).Msg("signal received, ending")
	return errLeave
}

func (p *parts) awaitQuit(ctx context.Context) error {
	select {
	case <-p.host.Quit():
		return errLeave
	case <-ctx.Done():
		return nil
	}
}

// refreshImages fetches newer versions of the configured images in the background, then waits for the end.
func (p *parts) refreshImages(ctx context.Context) error {
	p.images.Refresh(ctx, p.imageRefs)
	<-ctx.Done()
	return nil
}
