package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"rqdswarm/internal/engine"
)

const (
	supervisorName = "supervisor"
	scriptName     = "docker run in a shell script"
	standinImage   = "rqd-bench-standin:local"
	standinName    = "rqd-bench-standin"
)

// keeper is what keeps an RQD running on a node: our supervisor, or the guide's script.
type keeper struct {
	name    string
	command []string
	environ []string
}

// supervisors compares both with an RQD that starts and ends at once. They run bare, beside the engine's client.
func (w *world) supervisors(ctx context.Context) ([]Figure, error) {
	// It answers a signal while it waits, as a shell does only for its builtin.
	standin := "FROM " + w.image + "\n" + `ENTRYPOINT ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]` + "\n"
	if err := buildImage(ctx, standinImage, w.dir, standin); err != nil {
		return nil, err
	}
	script := filepath.Join(w.dir, "wrapper.sh")
	// The guide's, but for what this machine may refuse: the pull, and privileges.
	text := fmt.Sprintf(`#!/bin/sh
docker stop -t 10 %[1]s
docker rm %[1]s
set -e
exec docker run --rm --name %[1]s --label %[3]s --pid host --network host --mount type=bind,source=/tmp,target=/tmp --mount type=bind,source=/var/run/docker.sock,target=/var/run/docker.sock %[2]s
`, standinName, standinImage, benchLabel)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil { // #nosec G306 -- a program.
		return nil, err
	}
	keepers := []keeper{
		{scriptName, []string{script}, nil},
		{supervisorName, []string{w.opts.supervisor}, []string{
			"RQD_IMAGE=" + standinImage, "RQD_NAME=" + standinName, "RQD_PULL=never", "SUPERVISOR_HEALTH_SOCKET=" + filepath.Join(w.dir, "health.sock"),
			"RQD_RUN_ARGS=--privileged=false --label " + benchLabel + "=standin",
		}},
	}
	memory := Figure{Name: "memory of what keeps RQD running", Unit: "MB"}
	start := Figure{Name: "start of what keeps RQD running until RQD's process runs", Unit: "ms"}
	stop := Figure{Name: "SIGTERM until it has ended, with an RQD that ends at once", Unit: "ms"}
	for range w.opts.longRounds {
		for _, k := range keepers {
			s, err := w.keep(ctx, k)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.name, err)
			}
			memory.add(k.name, s.memory)
			start.add(k.name, millis(s.start))
			stop.add(k.name, millis(s.stop))
		}
	}
	return []Figure{memory, start, stop}, nil
}

// kept is what was measured of a keeper.
type kept struct {
	memory      float64
	start, stop time.Duration
}

func (w *world) keep(ctx context.Context, k keeper) (kept, error) {
	out, err := os.OpenFile(filepath.Join(w.dir, "keepers.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, privateFile)
	if err != nil {
		return kept{}, err
	}
	defer out.Close()
	cmd := exec.Command(k.command[0], k.command[1:]...) // #nosec G204 -- what is measured.
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), k.environ...), out, out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return kept{}, err
	}
	defer func() { _ = cmd.Process.Kill() }()
	var s kept
	if s.start, err = w.standinRuns(ctx, begin); err != nil {
		return kept{}, errors.Join(err, readError(out.Name()))
	}
	if err := pause(ctx, w.opts.settle); err != nil {
		return kept{}, err
	}
	if s.memory, err = rssOf(cmd.Process.Pid); err != nil {
		return kept{}, err
	}
	begin = time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return kept{}, err
	}
	_ = cmd.Wait() // How it ended is its own affair.
	s.stop = time.Since(begin)
	return s, w.awaitNoStandin(ctx)
}

func (w *world) standinRuns(ctx context.Context, begin time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		c, err := w.engine.Inspect(ctx, standinName)
		if err == nil && c.State == engine.StateRunning {
			return c.StartedAt.Sub(begin), nil
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return 0, fmt.Errorf("wait for RQD's container: %w", err)
		}
	}
}

func (w *world) awaitNoStandin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		if _, err := w.engine.Inspect(ctx, standinName); errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the end of RQD's container: %w", err)
		}
	}
}

// readError is the end of what a program said, as an error.
func readError(path string) error {
	text, err := os.ReadFile(path) // #nosec G304 -- our own directory.
	if err != nil {
		return err
	}
	return errors.New(lastLines(text, 10))
}
