package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rqdswarm/internal/engine"
)

// DaemonOptions adjust a Daemon.
type DaemonOptions struct {
	// LiveRestore lets containers outlive the daemon, as dockerd's option of that name does.
	LiveRestore bool
	// SameNetwork leaves the daemon in the network namespace of this process, so that containers with network host
	// are in it, too. A dockerd without a bridge deletes the docker0 that it finds there.
	SameNetwork bool
	// Dir is where the daemon keeps everything; empty makes a new one. The Daemon of a process that was
	// killed is had again by its Dir, for Close. A path of more than 70 characters is too long for the sockets in it.
	Dir string
}

// Daemon is a dockerd of one's own, beside the machine's: what it is for is to be stopped, killed
// and frozen. It has a network namespace of its own, without any interface: containers take network
// host or none. It needs root. Its containerd is a process of its own, as distributions install it, and
// lives until Close. Its methods are for one goroutine.
type Daemon struct {
	dir        string
	opts       DaemonOptions
	containerd *child
	dockerd    *child
	used       bool // It answered once, so it may have containers.
}

// daemonStart is what a dockerd gets to answer.
const daemonStart = time.Minute

// NewDaemon makes room for a daemon and starts it. Whoever gets one calls Close.
func NewDaemon(ctx context.Context, o DaemonOptions) (*Daemon, error) {
	dir, err := o.makeDir()
	if err != nil {
		return nil, err
	}
	d := &Daemon{dir: dir, opts: o}
	if err := errors.Join(d.startContainerd(), d.Start(ctx)); err != nil {
		return nil, errors.Join(err, d.Close()) //nolint:contextcheck // It cleans up when ctx is over, too.
	}
	return d, nil
}

func (o DaemonOptions) makeDir() (string, error) {
	if o.Dir == "" {
		return os.MkdirTemp("/tmp", "rqd-engine-") // Short: a socket's path has at most 107 characters.
	}
	return o.Dir, os.MkdirAll(o.Dir, 0o711) // #nosec G301 -- rootless processes in containers go through it.
}

// Host is the daemon's address, for DOCKER_HOST and engine.Options.
func (d *Daemon) Host() string { return "unix://" + d.Socket() }

// Socket is the path of the daemon's socket.
func (d *Daemon) Socket() string { return filepath.Join(d.dir, "docker.sock") }

// Start starts dockerd, again after Stop or Kill, and returns when it answers.
func (d *Daemon) Start(ctx context.Context) error {
	args := []string{
		"--host", d.Host(), "--containerd", d.containerdSocket(), "--config-file", filepath.Join(d.dir, "daemon.json"),
		"--data-root", filepath.Join(d.dir, "data"), "--exec-root", filepath.Join(d.dir, "exec"), "--pidfile", filepath.Join(d.dir, "pid"),
		"--bridge", "none", "--iptables=false", "--ip6tables=false", "--exec-opt", "native.cgroupdriver=cgroupfs",
	}
	if err := os.Remove(filepath.Join(d.dir, "pid")); err != nil && !errors.Is(err, os.ErrNotExist) { // A killed daemon's; pids are used again.
		return err
	}
	if d.opts.LiveRestore {
		args = append(args, "--live-restore")
	}
	var err error
	if d.dockerd, err = spawn(d.namespaces(), "dockerd", args...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, daemonStart)
	defer cancel()
	for {
		client, err := engine.Dial(ctx, engine.Options{Host: d.Host()})
		if err == nil {
			d.used = true
			return client.Close()
		}
		select {
		case <-d.dockerd.ended:
			return fmt.Errorf("dockerd ended at once:\n%s", d.dockerd.output)
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w\n%s", err, d.dockerd.output)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// startContainerd also writes dockerd's configuration, or it would take the machine's.
func (d *Daemon) startContainerd() (err error) {
	config := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n",
		filepath.Join(d.dir, "containerd-data"), filepath.Join(d.dir, "containerd"), d.containerdSocket())
	path := filepath.Join(d.dir, "containerd.toml")
	if err := errors.Join(
		os.WriteFile(path, []byte(config), 0o600), os.WriteFile(filepath.Join(d.dir, "daemon.json"), []byte("{}"), 0o600),
	); err != nil {
		return err
	}
	d.containerd, err = spawn(d.namespaces(), "containerd", "--config", path)
	return err
}

// namespaces are those that its processes have for themselves.
func (d *Daemon) namespaces() uintptr {
	if d.opts.SameNetwork {
		return 0
	}
	return syscall.CLONE_NEWNET
}

func (d *Daemon) containerdSocket() string { return filepath.Join(d.dir, "containerd.sock") }

// Stop ends dockerd by SIGTERM, as a package upgrade does. Without LiveRestore it first stops its containers.
func (d *Daemon) Stop() error { return d.dockerd.end(syscall.SIGTERM) }

// Kill ends dockerd by SIGKILL. Its containers run on; without LiveRestore the next Start kills them.
func (d *Daemon) Kill() error { return d.dockerd.end(syscall.SIGKILL) }

// Pause freezes dockerd: connections are accepted and nothing is answered until Resume.
func (d *Daemon) Pause() error { return d.dockerd.freeze() }

// Resume ends what Pause began.
func (d *Daemon) Resume() error { return d.dockerd.process.Signal(syscall.SIGCONT) }

// Close removes the daemon's containers, ends it and deletes all that it kept.
func (d *Daemon) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), daemonStart)
	defer cancel()
	var errs []error
	if d.used {
		_ = d.Resume() // It may have ended.
		errs = append(errs, d.sweep(ctx))
	}
	errs = append(errs, d.dockerd.end(syscall.SIGTERM), d.containerd.end(syscall.SIGTERM))
	d.endShims()
	return errors.Join(append(errs, UnmountBelow(d.dir), os.RemoveAll(d.dir))...)
}

// endShims ends those that a killed dockerd had just started: containerd lost track of them.
func (d *Daemon) endShims() {
	for pid, program := range ProcessesNaming(d.containerdSocket()) {
		if strings.HasPrefix(program, "containerd-shim") {
			_ = syscall.Kill(pid, syscall.SIGKILL) // It may have ended.
		}
	}
}

// sweep removes every container. A daemon that does not run is started for it: it alone finds them all.
func (d *Daemon) sweep(ctx context.Context) error {
	if !d.dockerd.running() {
		if err := d.Start(ctx); err != nil {
			return err
		}
	}
	client, err := engine.Dial(ctx, engine.Options{Host: d.Host()})
	if err != nil {
		return err
	}
	defer client.Close()
	list, err := client.List(ctx, nil)
	for _, c := range list {
		if gone := client.Remove(ctx, c.ID, engine.RemoveOptions{Force: true}); !engine.IsGone(gone) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
