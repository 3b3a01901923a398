package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/internal/engine"
	"rqdswarm/internal/registry"
	"rqdswarm/rqdcore/config"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/gpu"
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
	facts     *machine.Machine
	promises  []runner.Promise // Of an earlier RQD, to be adopted.
	kept      []runner.Promise // Whose completion is in the outbox: they only have to be forgotten.
	link      *link.Server
	space     *space
	images    *runner.Images
	imageRefs []string
	keeper    *runner.Keeper
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
	b := builder{parts: &parts{log: log}, cfg: cfg, environ: environ}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for _, step := range []func(context.Context) error{b.lookAround, b.claimState, b.makeImages, b.makeRunner, b.makeHost} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	b.promises, err = b.loadPromises(ctx)
	return b.parts, err
}

// builder is what the parts are made from. Each of its methods needs those before it.
type builder struct {
	*parts
	cfg     *config.Config
	environ []string
	docker  *engine.Client
	place   self.Place
}

// lookAround finds the engine, RQD's own container and the machine.
func (b *builder) lookAround(ctx context.Context) (err error) {
	if b.docker, err = engine.Dial(ctx, engine.Options{UserAgent: "rqdcore/" + buildinfo.Version}); err != nil {
		return err
	}
	b.closers = append(b.closers, b.docker)
	if b.place, err = self.Find(ctx, "/proc", b.docker); err != nil {
		return err
	}
	if b.facts, err = machine.New("/", b.machineOptions()); err != nil { //nolint:contextcheck // It bounds its own look-ups and runs once.
		return err
	}
	for _, w := range b.facts.Warnings() {
		b.log.Warn().Msg(w)
	}
	return nil
}

// claimState opens the journal and makes sure that this RQD is the only one.
func (b *builder) claimState(ctx context.Context) (err error) {
	if !b.place.Persistent(b.cfg.StateDir) {
		b.log.Error().Str("dir", b.cfg.StateDir).
			Msg("state directory is on no mount: what Cuebot was promised and is owed is lost with this container; add a volume there")
	}
	if err := os.MkdirAll(b.cfg.StateDir, 0o700); err != nil {
		return fmt.Errorf("state directory (RQD_STATE_DIR): %w", err)
	}
	claim, err := single.Take(ctx, single.Identity{HostName: b.facts.Name(), Engine: b.docker.Host(), StateDir: b.cfg.StateDir})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, claim)
	if b.frames, err = journal.Open(filepath.Join(b.cfg.StateDir, "frames")); err != nil {
		return err
	}
	if fault := b.frames.Fault(); fault != nil {
		b.log.Error().Err(fault).Str("dir", b.cfg.StateDir).
			Msg("state directory cannot be written: frames are refused until it can, those that run are taken over")
	}
	return nil
}

func (b *builder) makeImages(context.Context) error {
	for _, image := range b.cfg.Docker.Images {
		b.imageRefs = append(b.imageRefs, image.Reference)
	}
	b.images = runner.NewImages(b.docker, registry.NewStore("/", "", b.environ).Credentials, b.log)
	uses, err := journal.Open(filepath.Join(b.cfg.StateDir, "images"))
	if err != nil {
		return err
	}
	b.keeper, err = runner.NewKeeper(runner.KeepConfig{
		Store: b.docker, Documents: uses, Configured: b.imageRefs,
		Keep: time.Duration(b.cfg.Docker.ImageKeepDays) * 24 * time.Hour, Log: b.log,
	})
	return err
}

// makeRunner puts frameinit where frames see it and opens the socket that it calls.
func (b *builder) makeRunner(context.Context) error {
	share, err := b.place.Share(b.cfg.RunDir)
	if err != nil {
		return err
	}
	frameInit, err := initbin.Install(b.cfg.RunDir)
	if err != nil {
		return err
	}
	if b.link, err = link.Listen(b.cfg.RunDir, link.Options{Log: b.log}); err != nil {
		return err
	}
	b.closers = append(b.closers, b.link)
	b.space = newSpace(b.place, b.cfg, b.docker)
	b.watcher = rqlog.NewWatcher(logLook)
	b.runner = runner.New(runner.Config{
		Policy:     policyOf(b.cfg, b.facts, share, frameInit, b.environ),
		Containers: b.docker, Observer: b.docker, Images: b.images, Used: b.keeper.Used, Link: b.link,
		Prune:   func(used []string) ([]string, error) { return initbin.Prune(b.cfg.RunDir, used) },
		Watcher: b.watcher, Guard: rqlog.NewGuard(logWait), Space: b.space.now, Log: b.log,
	})
	return nil
}

// makeHost joins the two sides of the wire to the host.
func (b *builder) makeHost(context.Context) error {
	cuebot, err := report.NewClient(b.cfg.Cuebots, b.log)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, cuebot)
	owed, err := journal.Open(filepath.Join(b.cfg.StateDir, "outbox"))
	if err != nil {
		return err
	}
	b.outbox, err = report.NewOutbox(report.OutboxConfig{Documents: owed, Cuebot: cuebot, Host: hostReport{b.parts}, Log: b.log})
	if err != nil {
		return err
	}
	topology := b.facts.Topology()
	b.host = host.New(host.Config{
		Runner: b.runner, Journal: b.frames, Outbox: b.outbox, Facts: b.facts, Notify: notify{b.parts}, Log: b.log,
		Cores: topology.Total, Pins: topology.Cores,
	})
	b.reporter = report.NewReporter(b.host, cuebot, b.log)
	b.server = rpc.NewServer(rpc.Config{Frames: b.host, Locks: b.host, Exits: b.host, Log: b.log})
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

func (b *builder) machineOptions() machine.Options {
	cfg := b.cfg
	o := machine.Options{
		Version: strings.TrimSpace(buildinfo.Version), Tags: cfg.Tags, Desktop: cfg.Desktop, Facility: cfg.Facility,
		SPOS: cfg.SPOS(), HostName: cfg.HostName, UseIPAsHostname: cfg.UseIPAsHostname, UseIPv6: cfg.UseIPv6,
		NetworkInterface: cfg.NetworkInterface, OverrideCores: cfg.OverrideCores, OverrideProcs: cfg.OverrideProcs,
		OverrideMemory: cfg.OverrideMemory, LoadModifier: cfg.LoadModifier, TempDir: cfg.TempDir, Cuebot: cfg.Cuebots[0],
	}
	if cfg.GPU {
		o.GPU = machine.NvidiaSMI{Run: gpu.Helper{
			Engine: b.docker, Image: cfg.Docker.Images[0].Reference, Labels: map[string]string{runner.LabelRole: runner.RoleGPUQuery},
		}.Run}
	}
	return o
}
