//go:build integration

package main_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/testprogram"
	"rqdswarm/rqdcore/minicue/farm"
)

// supervised is a studio whose RQD is a container that a supervisor starts, as on a farm's hosts: privileged, in the
// host's pid namespace, with /tmp bound slave. What this host does not grant it does without.
type supervised struct {
	*studio
	images     map[string]string // By program.
	supervisor string            // The running one's container.
}

func openSupervised(t *testing.T) *supervised {
	t.Helper()
	s := &supervised{studio: newStudio(t), images: map[string]string{}}
	s.configure("")
	for _, program := range []string{"supervisor", "rqdcore"} {
		s.images[program] = s.image(program)
	}
	t.Cleanup(s.sweep)
	s.supervise()
	return s
}

// image makes an image of one of our programs, as its Dockerfile does.
func (s *supervised) image(program string) string {
	s.t.Helper()
	path, err := testprogram.Build(s.t.TempDir(), "rqdswarm/"+program)
	if err != nil {
		s.t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	var rootfs bytes.Buffer
	w := tar.NewWriter(&rootfs)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: program, Mode: 0o755, Size: int64(len(content))}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		s.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	ref := "rqd-test-" + program + ":" + s.name
	err = s.docker.ImportImage(s.t.Context(), engine.ImportRequest{Reference: ref, RootFS: &rootfs, Changes: []string{
		fmt.Sprintf("ENTRYPOINT [%q]", "/"+program), "LABEL org.rqdswarm.role=" + program, "ENV PATH=/usr/bin:/bin",
		fmt.Sprintf(`HEALTHCHECK --interval=3s --timeout=30s --start-period=120s CMD [%q, "health"]`, "/"+program),
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	return ref
}

// supervise starts the next supervisor.
func (s *supervised) supervise() {
	s.t.Helper()
	id, _, err := s.docker.Create(s.t.Context(), engine.Spec{
		Image: s.images["supervisor"], Labels: map[string]string{enginetest.ScopeLabel: s.name},
		Env: []string{"RQD_IMAGE=" + s.images["rqdcore"], "RQD_NAME=" + s.name, "RQD_PULL=never", "RQD_READY_TIMEOUT=120s"},
		Mounts: []engine.Mount{
			{Type: engine.MountBind, Source: "/var/run/docker.sock", Target: "/var/run/docker.sock"},
			{Type: engine.MountBind, Source: filepath.Join(s.dir, "rqd.conf"), Target: "/etc/opencue/rqd.conf", ReadOnly: true},
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.docker.Start(s.t.Context(), id); err != nil {
		s.t.Fatal(err)
	}
	s.supervisor = id
}

// retire stops the supervisor, and with it RQD, as Swarm does.
func (s *supervised) retire() {
	s.t.Helper()
	if err := s.docker.Stop(s.t.Context(), s.supervisor, patience); err != nil {
		s.t.Fatal(err)
	}
	if c, err := s.docker.Inspect(s.t.Context(), s.supervisor); err != nil || c.ExitCode != 0 {
		s.t.Errorf("have the supervisor end with %d (%v), want 0", c.ExitCode, err)
	}
	if _, err := s.docker.Inspect(s.t.Context(), s.name); !engine.IsGone(err) {
		s.t.Errorf("have %v for RQD's container after its supervisor's end, want it gone", err)
	}
}

// sweep takes away what is left, and shows what a failed test's supervisor and RQD said.
func (s *supervised) sweep() {
	ctx := context.WithoutCancel(s.t.Context())
	for _, label := range []string{enginetest.ScopeLabel, "org.rqdswarm.rqd"} {
		left, _ := s.docker.List(ctx, map[string]string{label: s.name})
		for _, c := range left {
			if s.t.Failed() {
				s.t.Logf("%s said:\n%s", c.Name, s.words(c.ID))
			}
			_ = s.docker.Remove(ctx, c.ID, engine.RemoveOptions{Force: true})
		}
	}
	for _, volume := range []string{"-run", "-state"} {
		_ = s.docker.VolumeRemove(ctx, s.name+volume)
	}
	for _, ref := range s.images {
		_ = s.docker.RemoveImage(ctx, ref)
	}
}

func (s *supervised) words(id string) string {
	var b strings.Builder
	_ = s.docker.Logs(context.WithoutCancel(s.t.Context()), id, engine.LogOptions{}, func(l engine.LogLine) error {
		b.Write(append(l.Text, '\n'))
		return nil
	})
	return b.String()
}

// grants says whether this host gives a container what the guide's docker run line asks for: privileges, and a slave
// of the mount that holds dir.
func grants(t *testing.T, dir string) (privileges, slave bool) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	last, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if _, err := fmt.Sscan(string(last), &number); err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("CapEff:\t%016x\n", uint64(1)<<(number+1)-1)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	best := ""
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		point := strings.TrimSuffix(fields[4], "/") + "/"
		if strings.HasPrefix(dir+"/", point) && len(point) >= len(best) {
			best, slave = point, strings.HasPrefix(fields[6], "shared:")
		}
	}
	return strings.Contains(string(status), all), slave
}

// TestSupervised is the product as a studio runs it, end to end.
func TestSupervised(t *testing.T) {
	t.Parallel()
	s := openSupervised(t)
	privileges, slave := grants(t, s.dir)
	t.Logf("this host grants privileges: %t, slave mounts: %t", privileges, slave)

	if f := s.render(farm.Job{Command: `id -u; exit 3`})[0]; f.Status != 3 || f.MaxRSS <= 0 {
		t.Errorf("have status %d and max_rss %d KiB, want 3 and some", f.Status, f.MaxRSS)
	}
	rqd, err := s.docker.Inspect(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	if rqd.Privileged != privileges || rqd.PIDMode != "host" {
		t.Errorf("have RQD privileged %t in pid namespace %q, want %t and host", rqd.Privileged, rqd.PIDMode, privileges)
	}
	if slave {
		s.tryLateMount()
	}
	s.tryKill()
	s.trySuccessor()
	if !await(func() bool { return len(s.containers()) == 0 }) {
		t.Errorf("have frames left: %v", s.containers())
	}
	s.retire()
}

// tryLateMount mounts a file system on the host under a running RQD and a running frame, as autofs does. The frame sees
// what is in it, and RQD writes the next frame's log there.
func (s *supervised) tryLateMount() {
	s.t.Helper()
	late := filepath.Join(s.dir, "late")
	if err := os.Mkdir(late, 0o755); err != nil {
		s.t.Fatal(err)
	}
	job := s.submit(farm.Job{Command: "echo started; until test -e " + late + "/texture; do sleep 0.1; done; cat " + late + "/texture"})
	s.logged(job, "started\n")
	if err := syscall.Mount("late", late, "tmpfs", 0, "mode=1777"); err != nil {
		s.t.Fatalf("mount %s: %v", late, err)
	}
	s.t.Cleanup(func() { _ = syscall.Unmount(late, syscall.MNT_DETACH) })
	if err := os.WriteFile(filepath.Join(late, "texture"), []byte("wood\n"), 0o644); err != nil { // #nosec G306 -- the artist reads it.
		s.t.Fatal(err)
	}
	f := s.finish(job)[0]
	s.wantLog(f, "wood\n")
	next := s.render(farm.Job{Command: "cat " + late + "/texture", LogDir: filepath.Join(late, "logs")})[0]
	if next.Status != 0 || !strings.HasPrefix(next.Log, late) {
		s.t.Errorf("have status %d and log %s, want 0 and a log in %s", next.Status, next.Log, late)
	}
	s.wantLog(next, "wood\n")
	if err := syscall.Unmount(late, 0); err != nil {
		s.t.Errorf("unmount %s: %v: something holds it", late, err)
	}
}

func (s *supervised) tryKill() {
	s.t.Helper()
	job := s.submit(farm.Job{Command: `trap '' TERM; setsid sleep 300 & echo started; sleep 300; sleep 300`})
	s.logged(job, "started\n")
	client, err := s.cue.Client(s.name)
	if err != nil {
		s.t.Fatal(err)
	}
	kill(s.t, client, job.Frames[0].ID, "")
	if f := s.finish(job)[0]; f.Status != 1 || f.Signal != 9 {
		s.t.Errorf("killed: have (%d, %d), want (1, 9)", f.Status, f.Signal)
	}
}

// trySuccessor ends supervisor and RQD under a running frame: the next ones take it over.
func (s *supervised) trySuccessor() {
	s.t.Helper()
	gate := filepath.Join(s.dir, "gate")
	job := s.submit(farm.Job{Command: `i=0; while ! test -e ` + gate + `; do i=$((i+1)); echo line $i; sleep 0.05; done; echo last; exit 5`})
	s.logged(job, "line 3\n")
	s.retire()
	s.supervise()
	s.until(job, "adopted", func(f farm.FrameView) bool { return f.State == farm.InFlight })
	if !await(func() bool {
		c, err := s.docker.Inspect(s.t.Context(), s.name)
		return err == nil && c.State == engine.StateRunning && time.Since(c.StartedAt) > 0
	}) {
		s.t.Fatal("the next RQD never ran")
	}
	if err := os.WriteFile(gate, nil, 0o644); err != nil { // #nosec G306 -- the artist looks for it.
		s.t.Fatal(err)
	}
	s.wantWhole(s.finish(job)[0])
}
