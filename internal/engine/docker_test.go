//go:build integration

package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// shell is a Spec that runs a script in the test's scope.
func shell(t *testing.T, c *engine.Client, script string) engine.Spec {
	t.Helper()
	s := engine.Spec{Image: enginetest.Busybox(t), Entrypoint: []string{"sh", "-c", script}, Labels: enginetest.Scope(t, c)}
	s.NetworkMode = "none"
	return s
}

// output runs a Spec to its end and returns its lines.
func output(t *testing.T, c *engine.Client, id string) []string {
	t.Helper()
	var lines []string
	err := c.Logs(t.Context(), id, engine.LogOptions{Follow: true}, func(l engine.LogLine) error {
		lines = append(lines, string(l.Text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestDockerDegrades runs what the guide asks for on whatever this host grants; where it grants all
// of it there is nothing to give up, and the container is privileged.
func TestDockerDegrades(t *testing.T) {
	t.Parallel()
	c := enginetest.Dial(t)
	s := shell(t, c, `grep CapEff /proc/self/status; test -c /dev/loop-control && echo devices; ls -d /probe`)
	s.Privileged, s.PIDMode, s.Name = true, "host", fmt.Sprintf("rqd-test-degrade-%d", os.Getpid())
	s.Mounts = []engine.Mount{{Type: engine.MountBind, Source: "/tmp", Target: "/probe", Propagation: "rslave"}}

	var warnings []string
	d := engine.NewDegrader(c, func(text string) { warnings = append(warnings, text) })
	granted, err := d.Preflight(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if granted.Privileged != (len(granted.CapAdd) == 0) {
		t.Errorf("want it privileged or a list of capabilities, have %+v", granted.Privilege)
	}
	before := len(warnings)
	id, err := d.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != before {
		t.Errorf("want the start to know all of it, have %q", warnings[before:])
	}
	lines := output(t, c, id)
	if len(lines) != 3 || lines[1] != "devices" || lines[2] != "/probe" {
		t.Fatalf("want capabilities, devices and the bind, have %q", lines)
	}
	t.Logf("%s; warnings: %q", lines[0], warnings)
	if strings.HasSuffix(lines[0], "00000000a80425fb") {
		t.Errorf("want more than a container's default capabilities, have %s", lines[0])
	}
	left, err := c.List(t.Context(), s.Labels)
	if err != nil || len(left) != 1 {
		t.Errorf("want only the started container, have %d, %v", len(left), err)
	}
}

// TestDockerStartDegradesWithoutPreflight takes the other way: the real start is what is refused.
func TestDockerStartDegradesWithoutPreflight(t *testing.T) {
	t.Parallel()
	c := enginetest.Dial(t)
	s := shell(t, c, `exit 0`)
	s.Privileged = true
	s.Mounts = []engine.Mount{
		{Type: engine.MountBind, Source: "/tmp", Target: "/a", Propagation: "slave"},
		{Type: engine.MountBind, Source: t.TempDir(), Target: "/b", Propagation: "shared"},
	}
	id, err := engine.NewDegrader(c, func(text string) { t.Log(text) }).Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	left, err := c.List(t.Context(), s.Labels)
	if err != nil || len(left) != 1 || left[0].ID != id {
		t.Errorf("want nothing but the started container, have %+v, %v", left, err)
	}
}

// TestDockerDegradesWithATerminalOpen has a node in /dev/pts, which the engine cannot make anew.
func TestDockerDegradesWithATerminalOpen(t *testing.T) {
	t.Parallel()
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("open a terminal: %v", err)
	}
	defer func() { _ = ptmx.Close() }()
	c := enginetest.Dial(t)
	s := shell(t, c, `exit 0`)
	s.Privileged = true
	if _, err := engine.NewDegrader(c, nil).Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// TestDockerLogRepeatsNothingAfterARotation follows a log through several rotations. Engine 20.10
// repeats lines there; when it is too busy to keep up with the files it also leaves some out, which
// a client cannot mend, so only the repeats fail the test.
func TestDockerLogRepeatsNothingAfterARotation(t *testing.T) {
	t.Parallel()
	const lines = 40_000
	c := enginetest.Dial(t)
	s := shell(t, c, fmt.Sprintf(`i=0; while [ $i -lt %d ]; do i=$((i+1)); echo "$i $PADDING"; [ $((i %% 500)) = 0 ] && sleep 0.03; done`, lines))
	s.Env = []string{"PADDING=" + strings.Repeat("x", 100)}
	s.Log = engine.LogConfig{Driver: "json-file", Options: map[string]string{"max-size": "2m", "max-file": "20"}}
	id, _, err := c.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	have, last := output(t, c, id), 0
	for _, line := range have {
		number, _, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n <= last {
			t.Fatalf("want a line after %d, have %.20q", last, line)
		}
		last = n
	}
	t.Logf("%d of %d lines arrived", len(have), lines)
}

func TestDockerMakesAMissingBindSource(t *testing.T) {
	t.Parallel()
	c := enginetest.Dial(t)
	dir := t.TempDir()
	s := shell(t, c, `echo made > /made/file; echo x > /ro/x || echo refused`)
	s.Mounts = []engine.Mount{
		{Type: engine.MountBind, Source: filepath.Join(dir, "a", "b"), Target: "/made", CreateSource: true},
		{Type: engine.MountBind, Source: filepath.Join(dir, "c"), Target: "/ro", CreateSource: true, ReadOnly: true},
	}
	id, _, err := c.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if lines := output(t, c, id); !slices.Contains(lines, "refused") {
		t.Errorf("want the read-only bind to refuse, have %q", lines)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "a", "b", "file")); err != nil || string(content) != "made\n" {
		t.Errorf("want the file on the host, have %q, %v", content, err)
	}
}

// TestDockerTakesEveryLimit starts a container with each field that the kernel can answer for.
func TestDockerTakesEveryLimit(t *testing.T) {
	t.Parallel()
	c := enginetest.Dial(t)
	s := shell(t, c, `cat /proc/self/oom_score_adj; ulimit -n; grep Cpus_allowed_list /proc/self/status; grep NoNewPrivs /proc/self/status; hostname; id -u; pwd; touch /x || echo read-only; touch /t/x && echo tmpfs; grep -c /proc/ /proc/self/mounts`)
	s.OOMScoreAdj, s.CPUSet, s.Memory, s.PidsLimit, s.ShmSize = 500, "0", 64<<20, 100, 1<<20
	s.Ulimits = []engine.Ulimit{{Name: "nofile", Soft: 512, Hard: 512}}
	s.NoNewPrivileges, s.ReadonlyRootfs = true, true
	s.CapDrop, s.SecurityOpt = []string{"ALL"}, []string{"seccomp=unconfined", "systempaths=unconfined"}
	s.Hostname, s.User, s.WorkingDir, s.StopSignal = "render01", "1500:20", "/tmp", "SIGTERM"
	s.Tmpfs = map[string]string{"/t": "mode=1777"}
	s.ExtraHosts, s.DNS = []string{"cuebot:10.0.0.9"}, []string{"10.0.0.1"}
	id, _, err := c.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	have := output(t, c, id)
	for _, want := range []string{"500", "512", "Cpus_allowed_list:\t0", "NoNewPrivs:\t1", "render01", "1500", "/tmp", "read-only", "tmpfs", "0"} {
		if !slices.Contains(have, want) {
			t.Errorf("want %q in %q", want, have)
		}
	}
}

// TestDockerStopOutlivesItsClient kills the process that asked for the stop.
func TestDockerStopOutlivesItsClient(t *testing.T) {
	t.Parallel()
	c := enginetest.Dial(t)
	if id := os.Getenv("RQD_TEST_STOP"); id != "" {
		_ = c.Stop(t.Context(), id, 3*time.Second)
		return
	}
	s := shell(t, c, `trap 'echo deaf' TERM; echo ready; while :; do sleep 0.1; done`)
	id, _, err := c.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	stopper := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDockerStopOutlivesItsClient$")
	stopper.Env = append(os.Environ(), "RQD_TEST_STOP="+id)
	err = c.Logs(t.Context(), id, engine.LogOptions{Follow: true}, func(l engine.LogLine) error {
		switch string(l.Text) {
		case "ready":
			return stopper.Start()
		case "deaf":
			return stopper.Process.Kill()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = stopper.Wait() // It was killed.
	found, err := c.Inspect(t.Context(), id)
	if err != nil || found.State != engine.StateExited || found.ExitCode != 137 {
		t.Errorf("want it killed by the engine, have %+v, %v", found, err)
	}
	if took := found.FinishedAt.Sub(found.StartedAt); took < 2900*time.Millisecond {
		t.Errorf("want it to have had its 3 s of grace, have %v", took)
	}
}
