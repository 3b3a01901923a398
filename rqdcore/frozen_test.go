//go:build integration

package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"google.golang.org/grpc/codes"

	"rqdswarm/rqdcore/minicue/farm"
)

// Of linux/fs.h: what fsfreeze does.
const (
	fiFreeze = 0xC0045877
	fiThaw   = 0xC0045878
)

// disk is a real file system that can be frozen: whoever writes to it then waits in the kernel, and cannot be killed.
type disk struct {
	t      *testing.T
	dir    string
	frozen bool
}

// mountDisk puts an ext4 in a file under dir.
func mountDisk(t *testing.T, dir string) *disk {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, 32<<20), os.MkdirAll(dir, 0o755)); err != nil { // #nosec G301 -- the frames' logs.
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", file}, {"mount", "-o", "loop", file, dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil { // #nosec G204 -- fixed commands.
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	d := &disk{t: t, dir: dir}
	t.Cleanup(func() {
		d.thaw()
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return d
}

func (d *disk) freeze() { d.t.Helper(); d.control(fiFreeze, true) }
func (d *disk) thaw()   { d.t.Helper(); d.control(fiThaw, false) }

func (d *disk) control(request uint, frozen bool) { //nolint:revive // The state that is wanted.
	d.t.Helper()
	if d.frozen == frozen {
		return
	}
	fd, err := unix.Open(d.dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.IoctlSetInt(fd, request, 0); err != nil {
		d.t.Fatalf("freeze or thaw %s: %v", d.dir, err)
	}
	d.frozen = frozen
}

// TestKillOnFrozenFileSystem kills frames whose rqlogs cannot be written: one that writes into the frozen file
// system, with a frameinit that the kernel cannot end, and one that was accepted when it was frozen already.
func TestKillOnFrozenFileSystem(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "KILL_GRACE_SECONDS=1")
	d := mountDisk(t, filepath.Join(s.dir, "logs"))
	client, err := s.cue.Client(s.name)
	if err != nil {
		t.Fatal(err)
	}
	marker := filepath.Join(s.dir, "alive")
	writing := s.submit(farm.Job{Name: "writing", Command: `trap '' TERM; while :; do echo a line that fills the buffer; done`})
	quiet := s.submit(farm.Job{Name: "quiet", Command: "echo started; while :; do touch " + marker + "; sleep 0.1; done"})
	s.logged(writing, "a line that fills the buffer\n")
	s.logged(quiet, "started\n")
	d.freeze()
	late := s.submit(farm.Job{Name: "late", Command: "touch " + marker + "-late"})
	for _, job := range []farm.JobView{writing, quiet, late} {
		if !await(func() bool { return statusOf(t, client, job.Frames[0].ID) == codes.OK }) {
			t.Fatalf("%s was never accepted", job.Frames[0].Name)
		}
		kill(t, client, job.Frames[0].ID, "killed on a frozen file system")
	}
	// So long Cuebot asks whether a frame that it wants to run again is dead; then the retry is deferred.
	deadline := time.Now().Add(10 * time.Second)
	for _, job := range []farm.JobView{writing, quiet, late} {
		for statusOf(t, client, job.Frames[0].ID) == codes.OK {
			if time.Now().After(deadline) {
				t.Errorf("%s is not confirmed to be dead within Cuebot's 10 s", job.Name)
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	for _, job := range []farm.JobView{writing, quiet, late} {
		if f := s.finish(job)[0]; f.Status != 1 || f.Signal != 9 {
			t.Errorf("%s: have (%d, %d), want (1, 9)", f.Name, f.Status, f.Signal)
		}
		wantNotRunning(t, client, job.Frames[0].ID)
	}
	if err := os.Remove(marker); err != nil {
		t.Errorf("the quiet frame never ran: %v", err)
	}
	for _, path := range []string{marker, marker + "-late"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a killed frame runs on", path)
		}
	}
	d.thaw()
}
