//go:build integration

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"rqdswarm/rqdcore/minicue/farm"
)

// release is an rqdcore with the frameinit that belongs to it, built for a range of protocol versions.
type release struct{ newest, oldest int }

// build builds the release from this tree with another internal/wire/version.go.
func (r release) build() (string, error) {
	dir, err := os.MkdirTemp("", "rqdcore-release-")
	if err != nil {
		return "", err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(filepath.Join(root, "internal/wire/version.go"))
	if err != nil {
		return "", err
	}
	changed := strings.NewReplacer("Version    = 1\n", fmt.Sprintf("Version = %d\n", r.newest), "MinVersion = 1\n", fmt.Sprintf("MinVersion = %d\n", r.oldest))
	version, frameInit, overlay := filepath.Join(dir, "version.go"), filepath.Join(dir, "frameinit"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(root, "internal/wire/version.go"):      version,
		filepath.Join(root, "rqdcore/initbin/bin/frameinit"): frameInit,
	}})
	if err := errors.Join(err, os.WriteFile(version, []byte(changed.Replace(string(source))), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return "", err
	}
	rqd := filepath.Join(dir, "rqdcore")
	for _, args := range [][]string{
		{"build", "-overlay", overlay, "-o", frameInit, "./frameinit"},
		{"build", "-overlay", overlay, "-o", rqd, "."},
	} {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build release %+v: %w\n%s", r, err, out)
		}
	}
	return rqd, nil
}

// releases are this one, the next one, which still speaks its protocol, and one that does not.
var releases = map[string]func() (string, error){
	"first":  sync.OnceValues(release{1, 1}.build),
	"second": sync.OnceValues(release{2, 1}.build),
	"third":  sync.OnceValues(release{3, 3}.build),
}

func built(t *testing.T, name string) string {
	t.Helper()
	path, err := releases[name]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUpgrade has a frame run on under another release of RQD, newer and, after a rollback, older.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ from, to string }{{"first", "second"}, {"second", "first"}} {
		t.Run(tc.from+" to "+tc.to, func(t *testing.T) {
			t.Parallel()
			from, to := built(t, tc.from), built(t, tc.to)
			s := closedStudio(t, "")
			s.binary = from
			s.start()
			gate := filepath.Join(s.dir, "gate")
			job := s.submit(farm.Job{Name: "own", Command: `i=0; while ! test -e ` + gate + `; do i=$((i+1)); echo line $i; sleep 0.05; done; echo last; exit 5`})
			doomed := s.submit(farm.Job{Name: "doomed", Command: "echo started; sleep 300"})
			s.logged(job, "line 3\n")
			s.logged(doomed, "started\n")
			before := s.frameInits()
			s.replace(to)
			kill(t, s.client(), doomed.Frames[0].ID, "wrong camera")
			if f := s.finish(doomed)[0]; f.Status != 1 || f.Signal != 9 {
				t.Errorf("killed: have (%d, %d), want (1, 9)", f.Status, f.Signal)
			}
			s.wantLog(doomed.Frames[0], "wrong camera")
			if !await(func() bool { have := s.report().Frames; return len(have) == 1 && have[0].Rss > 0 && have[0].MaxRss > 0 }) {
				t.Errorf("have %v, want the running frame with its figures", s.report().Frames)
			}
			if have := s.frameInits(); len(before) != 1 || len(have) != 2 {
				t.Errorf("have %v, before %v: want that of the running frame kept", have, before)
			}
			touch(t, gate)
			s.wantWhole(s.finish(job)[0])
			s.replace(to)
			if !await(func() bool { return len(s.frameInits()) == 1 }) {
				t.Errorf("have %v, want the unused one removed", s.frameInits())
			}
		})
	}
}

// TestForeignRelease has a frame of a release whose protocol this RQD does not speak, older or
// newer. It is in every report, ends in a way that RQD knows, and RQD says what is wrong.
func TestForeignRelease(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ from, to string }{{"first", "third"}, {"third", "first"}} {
		t.Run(tc.from+" to "+tc.to, func(t *testing.T) {
			t.Parallel()
			from, to := built(t, tc.from), built(t, tc.to)
			s := closedStudio(t, "FRAME_LEASE_SECONDS=15")
			s.binary = from
			s.start()
			gate := filepath.Join(s.dir, "gate")
			own := s.submit(farm.Job{Name: "own", Command: "echo started; while ! test -e " + gate + "; do sleep 0.05; done; exit 5"})
			doomed := s.submit(farm.Job{Name: "doomed", Command: "trap 'echo told; exit 3' TERM; echo started; while :; do sleep 0.1; done"})
			lost := s.submit(farm.Job{Name: "lost", Command: "echo started; sleep 300"})
			for _, job := range []farm.JobView{own, doomed, lost} {
				s.logged(job, "started\n")
			}
			s.replace(to)
			touch(t, gate)
			kill(t, s.client(), doomed.Frames[0].ID, "wrong camera")
			if f := s.finish(doomed)[0]; f.Status != 1 || f.Signal != 9 {
				t.Errorf("killed: have (%d, %d), want (1, 9)", f.Status, f.Signal)
			}
			s.wantLog(doomed.Frames[0], "told\n")
			if f := s.finish(own)[0]; f.Status != 5 {
				t.Errorf("ended by itself: have status %d, want 5", f.Status)
			}
			f := s.finish(lost)[0]
			if f.Status != 256 {
				t.Errorf("ended with its lease: have status %d, want 256", f.Status)
			}
			s.wantLog(f, "FRAME_LEASE_SECONDS", "frameinit speaks another protocol")
			have := 0
			for line := range strings.Lines(s.output.String()) {
				if strings.Contains(line, "frame of another RQD version") && strings.Contains(line, f.ID) {
					have++
				}
			}
			if have != 1 {
				t.Errorf("RQD said %d times what is wrong, want once", have)
			}
		})
	}
}

// replace ends RQD and starts another release on the same state.
func (s *studio) replace(binary string) {
	s.t.Helper()
	s.stop(syscall.SIGTERM)
	s.binary = binary
	s.start()
	s.report()
}

// frameInits are the files of that name in the run directory.
func (s *studio) frameInits() []string {
	s.t.Helper()
	list, err := filepath.Glob(filepath.Join(s.dir, "run", "frameinit-*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}
