//go:build integration

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/testprogram"
	"rqdswarm/supervisor/swarm"
)

// Images of these tests, made without a registry. The stand-ins are RQDs that trap signals and sleep.
const (
	supervisorImage = "rqd-test-supervisor:local"
	polite          = "rqd-test-standin-polite:local" // Ends with 7 when asked to.
	another         = "rqd-test-standin-another:local"
	deaf            = "rqd-test-standin-deaf:local"
	ill             = "rqd-test-standin-ill:local" // Its health check fails.
	chatty          = "rqd-test-standin-chatty:local"
)

// TestMain takes the images away again.
func TestMain(m *testing.M) {
	code := m.Run()
	if client, err := engine.Dial(context.Background(), engine.Options{}); err == nil {
		for _, ref := range []string{supervisorImage, polite, another, deaf, ill, chatty} {
			_ = client.RemoveImage(context.Background(), ref) // Some were never made.
		}
		_ = client.Close()
	}
	os.Exit(code)
}

// lab is a real engine with supervisors of one RQD on it.
type lab struct {
	t      *testing.T
	client *engine.Client
	name   string // RQD's.
	labels map[string]string
}

var images = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "rqd-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := testprogram.Build(dir, "rqdswarm/supervisor")
	if err != nil {
		return err
	}
	client, err := engine.Dial(context.Background(), engine.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	standin := func(trap string) string {
		script := trap + "; trap 'echo got USR1' USR1; echo up; while :; do sleep 1 & wait $!; done"
		cmd, _ := json.Marshal([]string{"/bin/busybox", "sh", "-c", script})
		return "CMD " + string(cmd)
	}
	const term = "trap 'echo got TERM; exit 7' TERM"
	for ref, c := range map[string]struct {
		file    string
		changes []string
	}{
		supervisorImage: {program, []string{
			`ENTRYPOINT ["/bin/supervisor"]`, "LABEL " + swarm.RoleLabel + "=" + swarm.RoleSupervisor,
			`HEALTHCHECK --interval=1s --timeout=3s --retries=3 --start-period=60s CMD ["/bin/supervisor", "health"]`,
		}},
		polite:  {busybox, []string{standin(term), `HEALTHCHECK --interval=1s CMD ["/bin/busybox", "true"]`}},
		another: {busybox, []string{standin(term), `HEALTHCHECK --interval=1s CMD ["/bin/busybox", "true"]`, "ENV ANOTHER=1"}},
		deaf:    {busybox, []string{standin("trap 'echo deaf' TERM")}},
		chatty:  {busybox, []string{standin("trap over=1 TERM; i=0; while [ -z \"$over\" ]; do i=$((i+1)); echo line $i; sleep 0.01; done; echo end $i; exit 0")}},
		ill:     {busybox, []string{standin(term), `HEALTHCHECK --interval=1s --retries=1 CMD ["/bin/busybox", "false"]`}},
	} {
		rootfs, err := rootFS(c.file)
		if err != nil {
			return err
		}
		if err := client.ImportImage(context.Background(), engine.ImportRequest{Reference: ref, RootFS: rootfs, Changes: append(c.changes, "ENV PATH=/bin")}); err != nil {
			return err
		}
	}
	return nil
})

// rootFS is an archive with one program, and the applets that a stand-in's script needs.
func rootFS(program string) (*bytes.Buffer, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	base := filepath.Base(program)
	headers := []*tar.Header{{Typeflag: tar.TypeReg, Name: "bin/" + base, Mode: 0o755, Size: int64(len(content))}}
	if base == "busybox" {
		headers = append(headers, &tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/sleep", Linkname: "busybox"})
	}
	for _, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if h.Size > 0 {
			if _, err := w.Write(content); err != nil {
				return nil, err
			}
		}
	}
	return &buf, w.Close()
}

func newLab(t *testing.T) *lab {
	t.Helper()
	t.Parallel()
	if err := images(); err != nil {
		t.Fatal(err)
	}
	client := enginetest.Dial(t)
	l := &lab{t: t, client: client, name: fmt.Sprintf("rqd-test-%d", time.Now().UnixNano()), labels: enginetest.Scope(t, client)}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		left, _ := client.List(ctx, map[string]string{"org.rqdswarm.rqd": l.name})
		for _, c := range left {
			_ = client.Remove(ctx, c.ID, engine.RemoveOptions{Force: true})
		}
		_ = client.VolumeRemove(ctx, l.name+"-run")
		_ = client.VolumeRemove(ctx, l.name+"-state")
	})
	return l
}

// supervisor starts one, as `docker run -d` does.
func (l *lab) supervisor(image string, env ...string) string {
	l.t.Helper()
	labels := maps.Clone(l.labels)
	id, _, err := l.client.Create(l.t.Context(), engine.Spec{
		Image: supervisorImage, Labels: labels,
		Env:    append([]string{"RQD_IMAGE=" + image, "RQD_NAME=" + l.name, "RQD_PULL=missing", "STOP_GRACE_SECONDS=3", "RQD_READY_TIMEOUT=5s"}, env...),
		Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/var/run/docker.sock", Target: "/var/run/docker.sock"}},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.client.Start(l.t.Context(), id); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if l.t.Failed() {
			l.t.Logf("supervisor %.12s:\n%s", id, l.logs(id))
		}
	})
	return id
}

func (l *lab) logs(id string) string {
	var b strings.Builder
	err := l.client.Logs(context.WithoutCancel(l.t.Context()), id, engine.LogOptions{}, func(line engine.LogLine) error {
		b.Write(append(line.Text, '\n'))
		return nil
	})
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// until waits for a container, by name or id, to be as it should; a machine under load takes its time.
func (l *lab) until(what, idOrName string, ok func(engine.Container) bool) engine.Container {
	l.t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		c, err := l.client.Inspect(l.t.Context(), idOrName)
		if err == nil && ok(c) {
			return c
		}
		select {
		case <-deadline:
			l.t.Fatalf("%s: not %s: %+v, %v", idOrName, what, c, err)
		case <-ticker.C:
		}
	}
}

func (l *lab) rqdRuns(image string) engine.Container {
	l.t.Helper()
	return l.until("running "+image, l.name, func(c engine.Container) bool { return c.State == engine.StateRunning && c.Image == image })
}

func (l *lab) ended(id string, code int) engine.Container {
	l.t.Helper()
	c := l.until("ended", id, func(c engine.Container) bool { return c.State == engine.StateExited })
	if c.ExitCode != code {
		l.t.Errorf("supervisor %.12s: want exit code %d, have %d", id, code, c.ExitCode)
	}
	return c
}

func (l *lab) nothingLeft() {
	l.t.Helper()
	list, err := l.client.List(l.t.Context(), map[string]string{"org.rqdswarm.rqd": l.name})
	if err != nil || len(list) > 0 {
		l.t.Errorf("want no container of ours left, have %v, %v", list, err)
	}
}

func (l *lab) signal(id, signal string) {
	l.t.Helper()
	if err := l.client.Signal(l.t.Context(), id, signal); err != nil {
		l.t.Fatal(err)
	}
}

func TestRealStopAndExitCode(t *testing.T) {
	l := newLab(t)
	id := l.supervisor(polite, "RQD_ZONE=b")
	rqd := l.rqdRuns(polite)
	if rqd.PIDMode != "host" || rqd.NetworkMode != "host" || !strings.Contains(strings.Join(rqd.Env, " "), "RQD_ZONE=b") {
		t.Errorf("want the guide's run line, have %+v", rqd)
	}
	l.until("healthy", id, func(c engine.Container) bool { return c.Health == "healthy" })
	l.signal(id, "USR1")
	for !strings.Contains(l.logs(id), "got USR1\n") {
		l.until("running", id, func(c engine.Container) bool { return c.State == engine.StateRunning })
	}
	if err := l.client.Stop(t.Context(), id, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	l.ended(id, 7)
	l.nothingLeft()
	for _, line := range []string{"up\n", "got USR1\n", "got TERM\n"} {
		if n := strings.Count("\n"+l.logs(id), "\n"+line); n != 1 {
			t.Errorf("output: want %q once, have it %d times", line, n)
		}
	}
}

func TestRealGrace(t *testing.T) {
	l := newLab(t)
	id := l.supervisor(deaf)
	l.rqdRuns(deaf)
	l.signal(id, "TERM")
	asked := time.Now()
	l.ended(id, 137)
	if took := time.Since(asked); took < 3*time.Second {
		t.Errorf("want the grace of 3 s kept, have %s", took)
	}
	l.nothingLeft()

	id = l.supervisor(deaf, "STOP_GRACE_SECONDS=300")
	l.rqdRuns(deaf)
	l.signal(id, "TERM")
	for !strings.Contains(l.logs(id), "deaf\n") {
		l.until("running", id, func(c engine.Container) bool { return c.State == engine.StateRunning })
	}
	l.until("ended", id, func(c engine.Container) bool {
		_ = l.client.Signal(t.Context(), id, "TERM") // Within a second of the first it says nothing new.
		return c.State == engine.StateExited
	})
	l.ended(id, 137)
	l.nothingLeft()
}

func TestRealKilledSupervisorsRQDIsAdopted(t *testing.T) {
	l := newLab(t)
	first := l.supervisor(polite)
	before := l.rqdRuns(polite)
	l.signal(first, "KILL")
	l.ended(first, 137)
	next := l.supervisor(polite)
	l.until("healthy", next, func(c engine.Container) bool { return c.Health == "healthy" })
	after := l.rqdRuns(polite)
	if after.ID != before.ID || !after.StartedAt.Equal(before.StartedAt) {
		t.Errorf("want the same run of rqd, have %+v after %+v", after, before)
	}
	l.signal(next, "TERM")
	l.ended(next, 7)
	l.nothingLeft()
}

func TestRealTakeOverAndBack(t *testing.T) {
	l := newLab(t)
	old := l.supervisor(polite)
	before := l.rqdRuns(polite)

	bad := l.supervisor("rqd-test-standin:none", "RQD_PULL=never")
	l.ended(bad, 1)
	if have := l.rqdRuns(polite); have.ID != before.ID || !have.StartedAt.Equal(before.StartedAt) {
		t.Errorf("image that is not there: want rqd untouched, have %+v", have)
	}

	sick := l.supervisor(ill)
	l.rqdRuns(ill)
	l.ended(sick, 1)
	l.rqdRuns(polite)

	next := l.supervisor(another)
	l.rqdRuns(another)
	l.until("healthy", next, func(c engine.Container) bool { return c.Health == "healthy" })
	l.until("running", old, func(c engine.Container) bool { return c.State == engine.StateRunning && c.Health == "healthy" })
	l.signal(old, "TERM")
	l.ended(old, 0)
	l.rqdRuns(another)
	l.signal(next, "TERM")
	l.ended(next, 7)
	l.nothingLeft()
}
