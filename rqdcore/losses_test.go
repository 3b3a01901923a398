//go:build integration

package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// TestPromisesLost takes the journal away under a frame that runs and one that ends meanwhile.
func TestPromisesLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(state string) error{
		"state volume lost": os.RemoveAll,
		"documents are garbage": func(state string) error {
			files, err := filepath.Glob(filepath.Join(state, "frames", "*.json"))
			for _, file := range files {
				err = errors.Join(err, os.WriteFile(file, []byte("\x00\x00garbage"), 0o600))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStudio(t, "")
			gate, away := filepath.Join(s.dir, "gate"), filepath.Join(s.dir, "away")
			job := s.submit(farm.Job{Name: "runs", Cores: 200, Command: `i=0; while ! test -e ` + gate + `; do i=$((i+1)); echo line $i; sleep 0.05; done; echo last; exit 5`})
			ends := s.submit(farm.Job{Name: "ends", Command: `echo started; while ! test -e ` + away + `; do sleep 0.05; done; exit 7`})
			s.logged(job, "line 3\n")
			s.logged(ends, "started\n")
			before := s.reported(job)
			s.stop(syscall.SIGKILL)
			touch(t, away)
			s.exited(ends)
			if err := lose(filepath.Join(s.dir, "state")); err != nil {
				t.Fatal(err)
			}
			s.start()
			after := s.reported(job)
			if after == nil || before == nil || after.ResourceId != before.ResourceId || after.LayerId != before.LayerId || after.JobName != before.JobName ||
				after.StartTime != before.StartTime || after.NumCores != 200 || after.FrameName != before.FrameName {
				t.Errorf("have %v, want %v", after, before)
			}
			if f := s.finish(ends)[0]; f.Status != 7 {
				t.Errorf("ended meanwhile: have status %d, want 7", f.Status)
			}
			if cores := s.report().CoreInfo; cores.BookedCores != 200 || cores.IdleCores != 600 {
				t.Errorf("have %v, want 200 core points booked and 600 idle", cores)
			}
			touch(t, gate)
			f := s.finish(job)[0]
			s.wantWhole(f)
			if f.MaxRSS == 0 {
				t.Error("peak memory is lost")
			}
			if !await(func() bool { return s.report().CoreInfo.IdleCores == 800 }) {
				t.Errorf("have %v, want everything idle", s.report().CoreInfo)
			}
		})
	}
}

// TestLabelsLost has a container that tells too little to be adopted: it ends, and then Cuebot hears of it.
func TestLabelsLost(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "")
	job := s.submit(farm.Job{Command: "echo started; sleep 300"})
	s.logged(job, "started\n")
	s.stop(syscall.SIGKILL)
	c := s.container(job)
	labels := make(map[string]string)
	for name, value := range c.Labels {
		if !strings.HasSuffix(name, ".cores") {
			labels[name] = value
		}
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(s.dir, "state")), s.docker.Remove(t.Context(), c.ID, engine.RemoveOptions{Force: true})); err != nil {
		t.Fatal(err)
	}
	id, _, err := s.docker.Create(t.Context(), engine.Spec{
		Image: c.Image, Cmd: []string{"sleep", "300"}, Labels: labels, Namespaces: engine.Namespaces{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.docker.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	s.start()
	if f := s.finish(job)[0]; f.Status != 256 {
		t.Errorf("have status %d, want 256", f.Status)
	}
	if cores := s.report().CoreInfo; cores.BookedCores != 0 {
		t.Errorf("have %v, want nothing booked", cores)
	}
}

// reported is the job's only frame in RQD's host report.
func (s *studio) reported(job farm.JobView) *reportpb.RunningFrameInfo {
	s.t.Helper()
	for _, f := range s.report().Frames {
		if f.FrameId == job.Frames[0].ID {
			return f
		}
	}
	return nil
}

// container is that of the job's only frame.
func (s *studio) container(job farm.JobView) engine.Container {
	s.t.Helper()
	list, err := s.docker.List(s.t.Context(), map[string]string{"org.rqdswarm.frame": job.Frames[0].ID})
	if err != nil || len(list) != 1 {
		s.t.Fatalf("have containers %v (%v), want one", list, err)
	}
	return list[0]
}

func (s *studio) exited(job farm.JobView) {
	s.t.Helper()
	if !await(func() bool { return s.container(job).State == engine.StateExited }) {
		s.t.Fatalf("container never ended: %+v", s.container(job))
	}
}

// TestStateCannotBeWritten starts RQD on a state volume that is full or read-only, with a frame that runs and one that
// ended meanwhile.
func TestStateCannotBeWritten(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounts need root")
	}
	for name, tc := range map[string]struct{ spoil, mend func(state string) error }{
		"full": {
			spoil: func(state string) error {
				f, err := os.OpenFile(filepath.Join(state, "filler"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					return err
				}
				defer f.Close()
				for err == nil {
					_, err = f.Write(make([]byte, 4096))
				}
				if errors.Is(err, syscall.ENOSPC) {
					return nil
				}
				return err
			},
			mend: func(state string) error { return os.Remove(filepath.Join(state, "filler")) },
		},
		"read-only": {
			spoil: func(state string) error {
				return syscall.Mount("", state, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
			},
			mend: func(state string) error { return syscall.Mount("", state, "", syscall.MS_REMOUNT, "") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := closedStudio(t, "")
			state, gate, away := filepath.Join(s.dir, "state"), filepath.Join(s.dir, "gate"), filepath.Join(s.dir, "away")
			if err := errors.Join(os.Mkdir(state, 0o700), syscall.Mount("tmpfs", state, "tmpfs", 0, "size=1m")); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(state, syscall.MNT_DETACH) })
			s.start()
			runs := s.submit(farm.Job{Name: "runs", Command: `echo started; while ! test -e ` + gate + `; do sleep 0.05; done; exit 5`})
			ends := s.submit(farm.Job{Name: "ends", Command: `echo started; while ! test -e ` + away + `; do sleep 0.05; done; exit 7`})
			s.logged(runs, "started\n")
			s.logged(ends, "started\n")
			s.stop(syscall.SIGKILL)
			touch(t, away)
			s.exited(ends)
			if err := tc.spoil(state); err != nil {
				t.Fatal(err)
			}
			s.start()
			if s.reported(runs) == nil {
				t.Error("running frame not taken over")
			}
			if f := s.finish(ends)[0]; f.Status != 7 {
				t.Errorf("ended meanwhile: have status %d, want 7", f.Status)
			}
			if err := tc.spoil(state); err != nil { // The forgotten promise has left a little room.
				t.Fatal(err)
			}
			_, err := s.client().LaunchFrame(t.Context(), &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: &rqdpb.RunFrame{
				FrameId: "f", ResourceId: "r", JobId: "j", LayerId: "l", JobName: "job", FrameName: "0001-x", UserName: "artist",
				Command: "true", LogDir: s.dir, NumCores: 100, StartTime: 1, UidOptional: &rqdpb.RunFrame_Uid{Uid: 1500},
			}})
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "write journal document") {
				t.Errorf("launch: have %v, want UNAVAILABLE with the reason", err)
			}
			if err := tc.mend(state); err != nil {
				t.Fatal(err)
			}
			after := s.render(farm.Job{Name: "after", Command: "exit 3"})
			if after[0].Status != 3 {
				t.Errorf("afterwards: have status %d, want 3", after[0].Status)
			}
			touch(t, gate)
			if f := s.finish(runs)[0]; f.Status != 5 {
				t.Errorf("taken over: have status %d, want 5", f.Status)
			}
			if !await(func() bool { return nothingIn(state) }) {
				t.Error("documents are left on the disk")
			}
		})
	}
}

func nothingIn(state string) bool {
	frames, _ := filepath.Glob(filepath.Join(state, "frames", "*"))
	owed, _ := filepath.Glob(filepath.Join(state, "outbox", "*"))
	return len(frames)+len(owed) == 0
}
