package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/config"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/host"
	"rqdswarm/rqdcore/initbin"
	"rqdswarm/rqdcore/journal"
	"rqdswarm/rqdcore/link"
	"rqdswarm/rqdcore/machine"
	"rqdswarm/rqdcore/report"
	"rqdswarm/rqdcore/rpc"
	"rqdswarm/rqdcore/rqlog"
	"rqdswarm/rqdcore/runner"
	"rqdswarm/rqdcore/self"
	"rqdswarm/rqdcore/single"
)

const (
	// logLook is how often each running frame's rqlog is looked at: CueGUI's tail over NFS is live by it.
	logLook = 2 * time.Second
	// logWait is how long a rqlog's file system may take before RQD goes on without it.
	logWait = 10 * time.Second
)

// parts is everything that RQD is made of.
type parts struct {
	log       zerolog.Logger
	frames    *journal.Dir
	promises  []runner.Promise // Of an earlier RQD, to be adopted.
	link      *link.Server
	images    *runner.Images
	imageRefs []string
	runner    *runner.Runner
	watcher   *rqlog.Watcher
	host      *host.Host
	outbox    *report.Outbox
	reporter  *report.Reporter
	server    *rpc.Server
	closers   []io.Closer
}

// build makes every part and starts none. Whatever is wrong with the machine shows here.
func build(ctx context.Context, cfg *config.Config, log zerolog.Logger, environ []string) (_ *parts, err error) {
	p := &parts{log: log}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	docker, err := engine.Dial(ctx, engine.Options{UserAgent: "rqdcore/" + buildinfo.Version})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, docker)
	place, err := self.Find(ctx, "/proc", docker)
	if err != nil {
		return nil, err
	}
	facts, err := machine.New("/", machineOptions(cfg)) //nolint:contextcheck // It bounds its own look-ups and runs once.
	if err != nil {
		return nil, err
	}
	for _, w := range facts.Warnings() {
		log.Warn().Msg(w)
	}
	if err := p.openState(cfg, place); err != nil {
		return nil, err
	}
	claim, err := single.Take(ctx, single.Identity{HostName: facts.Name(), Engine: docker.Host(), StateDir: cfg.StateDir})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, claim)
	if err := p.makeRunner(ctx, cfg, docker, place, facts, environ); err != nil {
		return nil, err
	}
	if err := p.makeHost(cfg, facts); err != nil {
		return nil, err
	}
	p.promises, err = p.loadPromises()
	return p, err
}

func (p *parts) openState(cfg *config.Config, place self.Place) (err error) {
	if !place.Persistent(cfg.StateDir) {
		p.log.Error().Str("dir", cfg.StateDir).
			Msg("state directory is on no mount: what Cuebot was promised and is owed is lost with this container; add a volume there")
	}
	if p.frames, err = journal.Open(filepath.Join(cfg.StateDir, "frames")); err != nil {
		return err
	}
	return nil
}

func (p *parts) makeRunner(ctx context.Context, cfg *config.Config, docker *engine.Client, place self.Place, facts *machine.Machine, environ []string) error {
	share, err := place.Share(cfg.RunDir)
	if err != nil {
		return err
	}
	frameInit, err := initbin.Install(cfg.RunDir)
	if err != nil {
		return err
	}
	if p.link, err = link.Listen(cfg.RunDir, link.Options{Log: p.log}); err != nil {
		return err
	}
	p.closers = append(p.closers, p.link)
	p.images = runner.NewImages(docker, nil, p.log)
	for _, image := range cfg.Docker.Images {
		p.imageRefs = append(p.imageRefs, image.Reference)
	}
	dataRoot := cfg.RunDir // A volume: it lies in the engine's data root.
	if place.Bare() {
		info, err := docker.Info(ctx)
		if err != nil {
			return err
		}
		dataRoot = info.DataRoot
	}
	p.watcher = rqlog.NewWatcher(logLook)
	p.runner = runner.New(runner.Config{
		Policy:     policyOf(cfg, facts, share, frameInit, environ),
		Containers: docker, Observer: docker, Images: p.images, Link: p.link,
		Watcher: p.watcher, Guard: rqlog.NewGuard(logWait), Log: p.log,
		Space: runner.Space{Dir: dataRoot, Floor: cfg.Docker.MinFreeSpace},
	})
	return nil
}

func (p *parts) makeHost(cfg *config.Config, facts *machine.Machine) error {
	cuebot, err := report.NewClient(cfg.Cuebots, p.log)
	if err != nil {
		return err
	}
	p.closers = append(p.closers, cuebot)
	owed, err := journal.Open(filepath.Join(cfg.StateDir, "outbox"))
	if err != nil {
		return err
	}
	p.outbox, err = report.NewOutbox(report.OutboxConfig{Documents: owed, Cuebot: cuebot, Host: hostReport{p}, Log: p.log})
	if err != nil {
		return err
	}
	topology := facts.Topology()
	p.host = host.New(host.Config{
		Runner: p.runner, Journal: p.frames, Outbox: p.outbox, Facts: facts, Notify: notify{p}, Log: p.log,
		Cores: topology.Total, Pins: topology.Cores,
	})
	p.reporter = report.NewReporter(p.host, cuebot, p.log)
	p.server = rpc.NewServer(rpc.Config{Frames: p.host, Locks: p.host, Exits: p.host, Log: p.log})
	return nil
}

// hostReport reaches the host, which is made after the outbox that asks it.
type hostReport struct{ *parts }

func (r hostReport) Report() frame.HostReport { return r.host.Report() }

// notify reaches the reporter, which is made after the host that notifies it.
type notify struct{ *parts }

func (n notify) Poke()       { n.reporter.Poke() }
func (n notify) FrameEnded() { n.reporter.FrameEnded() }

func (p *parts) close() {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i].Close())
	}
	if err := errors.Join(errs...); err != nil {
		p.log.Debug().Err(err).Msg("close")
	}
}

func machineOptions(cfg *config.Config) machine.Options {
	return machine.Options{
		Version: strings.TrimSpace(buildinfo.Version), Tags: cfg.Tags, Desktop: cfg.Desktop, Facility: cfg.Facility,
		SPOS: cfg.SPOS(), HostName: cfg.HostName, UseIPAsHostname: cfg.UseIPAsHostname, UseIPv6: cfg.UseIPv6,
		NetworkInterface: cfg.NetworkInterface, OverrideCores: cfg.OverrideCores, OverrideProcs: cfg.OverrideProcs,
		OverrideMemory: cfg.OverrideMemory, LoadModifier: cfg.LoadModifier, TempDir: cfg.TempDir, Cuebot: cfg.Cuebots[0],
	}
}
