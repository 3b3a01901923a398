package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// Images of the run's own engine, made of the binaries under test.
const (
	rqdImage        = "rqd-chaos-rqdcore:local"
	supervisorImage = "rqd-chaos-supervisor:local"
)

// ground is an engine of the run's own: what is killed and pruned is nobody else's.
type ground struct {
	*enginetest.Daemon
	client *engine.Client
}

func openGround(ctx context.Context, dir string, o options) (_ *ground, frameImage string, err error) {
	if os.Geteuid() != 0 {
		return nil, "", errors.New("chaos starts an engine of its own and mounts file systems: run it as root")
	}
	for _, program := range []string{"dockerd", "containerd", "docker"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, "", fmt.Errorf("chaos starts an engine of its own, so the machine needs one installed (scripts/engine.sh does that): %w", err)
		}
	}
	g := &ground{}
	if g.Daemon, err = enginetest.NewDaemon(ctx, enginetest.DaemonOptions{Dir: dir, SameNetwork: true}); err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.client, err = engine.Dial(ctx, engine.Options{Host: g.Host()}); err != nil {
		return nil, "", err
	}
	if frameImage, err = enginetest.BusyboxOn(ctx, g.client); err != nil {
		return nil, "", err
	}
	return g, frameImage, errors.Join(
		g.importProgram(ctx, rqdImage, o.binary, `HEALTHCHECK --interval=3s --timeout=3s --start-period=60s CMD ["/rqdcore", "health"]`),
		g.importProgram(ctx, supervisorImage, o.supervisor, "LABEL org.rqdswarm.role=supervisor"),
	)
}

// importProgram makes an image of one static binary, as our Dockerfiles do.
func (g *ground) importProgram(ctx context.Context, reference, binary, change string) error {
	text, err := os.ReadFile(binary) // #nosec G304 -- the binary under test.
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(filepath.Base(binary), "-") // As in rqdcore-race.
	var rootfs bytes.Buffer
	w := tar.NewWriter(&rootfs)
	if err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(text))}); err == nil {
		_, err = w.Write(text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	changes := []string{fmt.Sprintf(`ENTRYPOINT ["/%s"]`, name), "ENV PATH=/bin", change}
	return g.client.ImportImage(ctx, engine.ImportRequest{Reference: reference, RootFS: &rootfs, Changes: changes})
}

// docker runs Docker's own command against the engine, as a person does. It returns what it printed.
func (g *ground) docker(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"--host", g.Host()}, args...)...) // #nosec G204 -- our own words.
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(wrong.Bytes()))
	}
	return out.String(), nil
}

func (g *ground) close() error {
	var err error
	if g.client != nil {
		err = g.client.Close()
	}
	return errors.Join(err, g.Close())
}

// A run keeps everything below one directory. It is not in /tmp, which RQD's container gets: an engine does not give
// away what its own files lie in.
const (
	scenesDir    = "/var/tmp"
	scenePattern = "rqd-chaos-"
)

// makeScene makes the run's directory and holds a lock in it for as long as this process lives.
func makeScene() (dir string, release func() error, err error) {
	if dir, err = os.MkdirTemp(scenesDir, scenePattern); err != nil {
		return "", nil, err
	}
	lock, err := lockScene(dir)
	if err == nil {
		err = os.Chmod(dir, 0o755) // #nosec G302 -- frames have to get into it.
	}
	return dir, func() error { return errors.Join(tearDown(dir), lock.Close()) }, err
}

// lockScene fails for a directory whose run lives.
func lockScene(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// sweepScenes takes away what runs left that were killed: containers, engine, mounts, files.
func sweepScenes(ctx context.Context) error {
	dirs, err := filepath.Glob(filepath.Join(scenesDir, scenePattern+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		lock, locked := lockScene(dir)
		if locked != nil {
			continue // Its run lives, or it is none of ours.
		}
		fmt.Fprintf(os.Stderr, "chaos: taking away what a killed run left in %s\n", dir)
		err = errors.Join(err, sweepScene(ctx, dir), lock.Close())
	}
	return err
}

// sweepScene has the dead run's engine once more, which alone finds all of its containers.
func sweepScene(ctx context.Context, dir string) error {
	thaw(filepath.Join(dir, "logs"))
	awaitDaemons(ctx, dir)
	home := filepath.Join(dir, engineDir)
	if _, err := os.Stat(home); err == nil {
		d, err := enginetest.NewDaemon(ctx, enginetest.DaemonOptions{Dir: home})
		if err != nil {
			return err
		}
		if err := d.Close(); err != nil {
			return err
		}
	}
	return tearDown(dir)
}

// awaitDaemons waits for the dead run's daemons, which end with it but have containers to stop, and ends its rqdcore.
func awaitDaemons(ctx context.Context, dir string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for alive := true; alive && ctx.Err() == nil; time.Sleep(victimPause) {
		alive = false
		for pid, program := range enginetest.ProcessesNaming(dir + "/") {
			switch {
			case strings.HasPrefix(program, "rqdcore"):
				_ = syscall.Kill(pid, syscall.SIGKILL) // It may have ended.
			case program == "dockerd" || program == "containerd":
				alive = true
			}
		}
	}
}

// tearDown unmounts whatever is mounted below dir and removes it.
func tearDown(dir string) error {
	return errors.Join(enginetest.UnmountBelow(dir), os.RemoveAll(dir))
}
