//go:build integration

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/link"
)

// container is one frame on the real engine, with the rqdcore that it speaks with.
type container struct {
	sandbox
	docker *engine.Client
	id     string
	spec   engine.Spec
}

func newContainer(t *testing.T) *container {
	t.Helper()
	path, err := binary()
	must(t, err)
	dir, err := os.MkdirTemp("", "f") //nolint:usetesting // Its paths are too long for a socket's.
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	copyFile(t, path, filepath.Join(dir, "frameinit"))
	server, err := link.Listen(dir, link.Options{AlivePeriod: 50 * time.Millisecond, Log: zerolog.New(zerolog.NewTestWriter(t))})
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	go server.Run(t.Context())
	docker := enginetest.Dial(t)
	return &container{
		sandbox: sandbox{t: t, log: filepath.Join(t.TempDir(), "rqlog"), server: server, session: server.Expect("secret")},
		docker:  docker,
		spec: engine.Spec{
			Image: enginetest.Busybox(t), User: "0:0", Entrypoint: []string{wire.MountPoint + "/frameinit"},
			Env: []string{wire.TokenEnv + "=secret"}, Labels: enginetest.Scope(t, docker), StopSignal: "SIGTERM",
			Mounts:     []engine.Mount{{Type: engine.MountBind, Source: dir, Target: wire.MountPoint, ReadOnly: true}},
			Privilege:  engine.Privilege{CapDrop: []string{"ALL"}, CapAdd: []string{"SETUID", "SETGID"}, NoNewPrivileges: true},
			Namespaces: engine.Namespaces{NetworkMode: "host"},
			Limits:     engine.Limits{Memory: 128 << 20},
			Log:        engine.LogConfig{Driver: "json-file"},
		},
	}
}

func (c *container) start() {
	c.t.Helper()
	id, _, err := c.docker.Create(c.t.Context(), c.spec)
	must(c.t, err)
	c.id = id
	c.session.SetContainer(id)
	must(c.t, c.docker.Start(c.t.Context(), id))
}

func (c *container) run(o wire.Order) wire.Exit {
	c.t.Helper()
	c.start()
	c.give(o)
	return c.record()
}

func (c *container) record() wire.Exit {
	c.t.Helper()
	m := c.await(func(m wire.Message) bool { return m.Exit != nil || m.Hello != nil && m.Hello.Exit != nil })
	if m.Exit == nil {
		return *m.Hello.Exit
	}
	return *m.Exit
}

// ended waits for the engine's word, and returns what the container wrote last.
func (c *container) ended() (engine.Container, string) {
	c.t.Helper()
	for {
		info, err := c.docker.Inspect(c.t.Context(), c.id)
		must(c.t, err)
		if info.State == engine.StateExited {
			var last string
			err := c.docker.Logs(c.t.Context(), c.id, engine.LogOptions{Tail: 1}, func(l engine.LogLine) error {
				last = string(l.Text)
				return nil
			})
			must(c.t, err)
			return info, last
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-c.t.Context().Done():
			c.t.Fatal("container did not end")
		}
	}
}

func TestContainerRunsTheCommand(t *testing.T) {
	t.Parallel()
	c := newContainer(t)
	exit := c.run(order(`id -u; grep CapPrm /proc/self/status; whoami; exit 3`))
	info, last := c.ended()
	printed, err := wire.ParseRecord([]byte(last))
	if exit.Cause != wire.CauseExit || exit.Code != 3 || info.ExitCode != 3 || err != nil || printed.Code != 3 {
		t.Errorf("have record %+v, exit code %d, printed %q, error %v, want code 3", exit, info.ExitCode, last, err)
	}
	if have, want := c.text(), "1500\nCapPrm:\t0000000000000000\nartist\n"; have != want {
		t.Errorf("rqlog %q, want %q", have, want)
	}
}

// A frame that reads textures must not look as if it needed their memory: the kernel's own figure has them.
func TestContainerPeakIsNotPageCache(t *testing.T) {
	t.Parallel()
	c := newContainer(t)
	exit := c.run(order(`head -c 80000000 /dev/zero >/tmp/texture; cat /tmp/texture >/dev/null
cat /sys/fs/cgroup/memory/memory.usage_in_bytes /sys/fs/cgroup/memory.current 2>/dev/null; sleep 0.3`))
	var used int
	if _, err := fmt.Sscan(c.text(), &used); err != nil || used < 60_000_000 {
		t.Errorf("have %q bytes in the cgroup, want those of the file", c.text())
	}
	if peak := exit.Figures.MaxRSS; peak <= 0 || peak > 20_000 {
		t.Errorf("peak %d KiB, want that of cat", peak)
	}
	if exit.Figures.SystemMillis <= 0 {
		t.Errorf("system time %d ms, want some", exit.Figures.SystemMillis)
	}
}

// begin starts the container with its order.
func (c *container) begin(o wire.Order) {
	c.t.Helper()
	c.start()
	c.give(o)
}

func TestContainerMeasuresItsCgroup(t *testing.T) {
	t.Parallel()
	c := newContainer(t)
	// Two processes of 20 MB each, 20 MB of shared memory, and a detached process that only spins.
	c.begin(order(`for i in 1 2; do dd if=/dev/zero bs=20000000 count=1 2>/dev/null | sleep 9 & done
head -c 20000000 /dev/zero >/dev/shm/x; setsid sh -c 'while :; do :; done' & sleep 1.5; exit 0`))
	exit := c.record()
	if peak := exit.Figures.MaxRSS; peak < 57_000 || peak > 75_000 {
		t.Errorf("peak %d KiB, want the sum of 60 MB", peak)
	}
	if cpu := exit.Figures.UserMillis + exit.Figures.SystemMillis; cpu < 200 {
		t.Errorf("processor time %d ms, want that of the detached process, too", cpu)
	}
	if exit.Figures.OOMKills != 0 || exit.Figures.MaxVSize == 0 || len(exit.Figures.Processes) == 0 {
		t.Errorf("have figures %s", asJSON(t, exit.Figures))
	}
}

func TestContainerSeesTheOOMKill(t *testing.T) {
	t.Parallel()
	c := newContainer(t)
	c.spec.Memory = 32 << 20
	exit := c.run(order(`dd if=/dev/zero of=/dev/null bs=200M count=1; echo dd ended with $?; exit 9`))
	if exit.Figures.OOMKills == 0 || exit.Code != 9 || exit.Cause != wire.CauseExit {
		t.Errorf("have code %d, cause %s, %d OOM kills, want 9, exit, at least 1", exit.Code, exit.Cause, exit.Figures.OOMKills)
	}
	if peak := exit.Figures.MaxRSS; peak < 16_000 || peak > 33_000 {
		t.Errorf("peak %d KiB, want near the limit of 32 MB", peak)
	}
	if !strings.Contains(c.text(), "dd ended with 137\n") {
		t.Errorf("rqlog %q, want it complete", c.text())
	}
}

func TestContainerReadOnlyAndForeignPasswd(t *testing.T) {
	t.Parallel()
	passwd := filepath.Join(t.TempDir(), "passwd")
	must(t, os.WriteFile(passwd, []byte("root:x:0:0::/:/bin/sh\n"), 0o644))
	for _, tc := range []struct {
		name   string
		change func(*engine.Spec)
	}{
		{"read-only", func(s *engine.Spec) { s.ReadonlyRootfs = true }},
		{"the host's passwd", func(s *engine.Spec) {
			s.Mounts = append(s.Mounts, engine.Mount{Type: engine.MountBind, Source: passwd, Target: "/etc/passwd"})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newContainer(t)
			tc.change(&c.spec)
			o := order("id -u")
			o.WorkingDir = "/"
			if exit := c.run(o); exit.Code != 0 || c.text() != "1500\n" {
				t.Errorf("have code %d, log %q, want 0, 1500", exit.Code, c.text())
			}
		})
	}
	if text, _ := os.ReadFile(passwd); string(text) != "root:x:0:0::/:/bin/sh\n" {
		t.Errorf("the host's passwd was changed: %q", text)
	}
}

func TestContainerInTheHostsPIDNamespace(t *testing.T) {
	t.Parallel()
	bystander := startBystander(t)
	c := newContainer(t)
	c.spec.PIDMode = "host"
	c.session.SharesHostPID()
	o := order(`setsid sleep 999 & echo up; sleep 999`)
	o.UID = lonelyUID()
	c.begin(o)
	c.awaitText("up\n")
	f := c.await(func(m wire.Message) bool { return m.Figures != nil && len(m.Figures.Processes) > 1 }).Figures
	for _, p := range f.Processes {
		if p.PID == bystander {
			t.Error("another container's process is listed")
		}
	}
	must(t, c.peer.Kill(wire.Kill{GraceMillis: 500}))
	if exit := c.record(); exit.Cause != wire.CauseKill {
		t.Errorf("have cause %s, want kill", exit.Cause)
	}
	if err := processAlive(bystander); err != nil {
		t.Errorf("another process of the artist: %v, want it alive", err)
	}
}

// The artist can reach the socket, but not speak on it: for no frame, not even its own.
func TestContainerArtistIsNotHeard(t *testing.T) {
	t.Parallel()
	c := newContainer(t)
	c.session.SetContainer(strings.Repeat("0", 64)) // Another frame's.
	id, _, err := c.docker.Create(t.Context(), c.spec)
	must(t, err)
	must(t, c.docker.Start(t.Context(), id))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	select {
	case ev := <-c.session.Events():
		t.Errorf("have event %+v of a caller in another container, want none", ev)
	case <-ctx.Done():
	}
	if err := c.docker.Signal(t.Context(), id, "SIGTERM"); err != nil && !errors.Is(err, engine.ErrConflict) {
		t.Fatal(err)
	}
	c.id = id
	info, last := c.ended()
	exit, err := wire.ParseRecord([]byte(last))
	if err != nil || exit.Cause != wire.CauseSignal || info.ExitCode != exitCalledOff {
		t.Errorf("have record %q, exit code %d, want a signal, %d", last, info.ExitCode, exitCalledOff)
	}
}
