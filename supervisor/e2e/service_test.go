//go:build swarm

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Images of RQD that differ by a label only, and RQDs that never get ready.
const (
	imageA     = "rqd-e2e:a"
	imageB     = "rqd-e2e:b"
	imageIll   = "rqd-e2e:ill"   // Its health check fails.
	imageCrash = "rqd-e2e:crash" // It ends at once.
	imageMute  = "rqd-e2e:mute"  // It opens no port and has no health check.
)

// rqdConf is what a lab's node offers.
const rqdConf = `[Override]
OVERRIDE_CORES=4

[docker.config]
RUN_ON_DOCKER=True

[docker.images]
busybox=rqd-frame-busybox:dev

[docker.mounts]
TEMP=type:bind,source:/tmp,target:/tmp,bind-propagation:slave
`

// conf writes the rqd.conf of a lab's node.
func conf(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rqd.conf")
	if err := os.WriteFile(path, []byte(rqdConf), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestService is the life of a service while frames run that know nothing of it.
func TestService(t *testing.T) {
	t.Parallel()
	f := theFarm
	s := f.fleet(t, "rqd")
	stack := &fleet{farm: f, name: "farm_rqd", container: s.container}
	stack.undeploy(t)
	t.Cleanup(func() { stack.undeploy(t) })
	f.removeFrames(t)
	t.Cleanup(func() { f.removeFrames(t) })
	f.build(t, imageA, "FROM rqdcore:dev\nLABEL e2e=a\n")
	f.build(t, imageB, "FROM rqdcore:dev\nLABEL e2e=b\n")
	f.build(t, imageIll, "FROM rqd-frame-busybox:dev\nHEALTHCHECK --interval=1s --retries=2 CMD [\"/bin/sh\", \"-c\", \"exit 1\"]\nCMD [\"/bin/sh\", \"-c\", \"exec sleep 1000\"]\n")
	f.build(t, imageCrash, "FROM rqd-frame-busybox:dev\nCMD [\"/bin/sh\", \"-c\", \"echo no licence; exit 42\"]\n")
	f.build(t, imageMute, "FROM rqd-frame-busybox:dev\nCMD [\"/bin/sh\", \"-c\", \"exec sleep 1000\"]\n")
	f.serve(t)
	w := f.watch(t)

	// Each step begins where the one before has ended.
	step := func(name string, run func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, run) {
			t.FailNow()
		}
	}
	step("create", func(t *testing.T) {
		more := []string{"--cuebot", cuebot, "--conf", conf(t), "--grace", "5"}
		if !f.patient() {
			more = append(more, "--env", "RQD_READY_TIMEOUT=5s")
		}
		s.create(t, imageA, more...)
		s.runs(t, imageA)
		f.hosts(t)
	})
	frames := f.submit(t, "long", 30)
	step("update start-first", func(t *testing.T) {
		measure(t, "update, start-first", w, func() { s.update(t, "--image", imageB) })
		s.runs(t, imageB)
		frames.runsOn(t)
	})
	step("roll back by hand", func(t *testing.T) {
		measure(t, "rollback by hand, start-first", w, func() { f.must(t, "rollback", "--name", s.name, "--", "--quiet") })
		s.runs(t, imageA)
		frames.runsOn(t)
	})
	step("sick image start-first", func(t *testing.T) { s.sick(t, w, frames) })
	if f.patient() { // It takes the start period of the health check.
		step("mute image start-first", func(t *testing.T) {
			measure(t, "RQD mute, rolled back by Swarm, start-first", w, func() { s.refused(t, "--image", imageMute) })
			s.runs(t, imageA)
			frames.runsOn(t)
		})
	}
	step("update stop-first", func(t *testing.T) {
		measure(t, "update, stop-first", w, func() { s.update(t, "--image", imageB, "--order", "stop-first") })
		s.runs(t, imageB)
		frames.runsOn(t)
	})
	step("crashing image stop-first", func(t *testing.T) {
		measure(t, "RQD crashes, rolled back by Swarm, stop-first", w, func() { s.refused(t, "--image", imageCrash) })
		s.runs(t, imageB)
		frames.runsOn(t)
	})
	step("supervisor killed", func(t *testing.T) { s.killed(t, w, frames) })
	step("remove", func(t *testing.T) {
		s.remove(t)
		if have := len(frames.containers(t)); have != frames.count {
			t.Errorf("want all %d frames to run on without an RQD, have %d", frames.count, have)
		}
	})
	step("deploy the stack", func(t *testing.T) {
		stack.deploy(t, imageA)
		stack.runs(t, imageA)
		f.hosts(t)
		frames.runsOn(t)
	})
	step("frames complete", func(t *testing.T) { frames.completes(t) })
	step("remove the stack", func(t *testing.T) {
		stack.undeploy(t)
		stack.gone(t)
	})
}

// sick updates to an RQD whose health check fails. The old tasks never stop.
func (s *fleet) sick(t *testing.T, w []*watcher, frames *job) {
	before := map[string]string{}
	for _, n := range s.farm.nodes {
		before[n.name] = s.supervisor(t, n).ID
	}
	measure(t, "RQD ill, rolled back by Swarm, start-first", w, func() { s.refused(t, "--image", imageIll) })
	s.runs(t, imageA)
	frames.runsOn(t)
	for _, n := range s.farm.nodes {
		if have := s.supervisor(t, n).ID; have != before[n.name] {
			t.Errorf("%s: want the old task never stopped, was %.12s, is %.12s", n.name, before[n.name], have)
		}
	}
}

// killed kills every supervisor. The next adopt RQD, which does not notice.
func (s *fleet) killed(t *testing.T, w []*watcher, frames *job) {
	before := s.identity(t)
	measure(t, "supervisor killed by SIGKILL", w, func() {
		for _, n := range s.farm.nodes {
			old := s.supervisor(t, n)
			n.docker(t, "", "kill", old.ID)
			eventually(t, n.name+" has the next supervisor", time.Minute, func() error {
				next := s.supervisor(t, n)
				if next.ID == old.ID || next.Health != "healthy" {
					return fmt.Errorf("%.12s is %s", next.ID, next.Health)
				}
				return nil
			})
		}
	})
	s.untouched(t, before)
	frames.runsOn(t)
}
