//go:build swarm

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// Images of RQD that differ by a label only, and RQDs that never get ready.
const (
	imageA     = "rqd-e2e:a"
	imageB     = "rqd-e2e:b"
	imageIll   = "rqd-e2e:ill"   // Its health check fails.
	imageCrash = "rqd-e2e:crash" // It ends at once.
	imageMute  = "rqd-e2e:mute"  // It opens no port and has no health check.
)

const service = "rqd"

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

// quiet are flags of docker for commands that nobody watches, where no registry is.
func quiet() []string { return []string{"--", "--quiet", "--no-resolve-image"} }

func (f *farm) create(t *testing.T, image string, more ...string) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "rqd.conf")
	if err := os.WriteFile(conf, []byte(rqdConf), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--name", service, "--image", image, "--supervisor", "rqd-supervisor:dev", "--cuebot", cuebot, "--conf", conf,
		"--grace", "5", "--env", "RQD_PULL=missing",
	}
	f.must(t, "create", append(append(args, more...), quiet()...)...)
}

func (f *farm) update(t *testing.T, args ...string) {
	t.Helper()
	f.must(t, "update", append(append([]string{"--name", service}, args...), quiet()...)...)
	if state := f.updateState(t, service); state != "completed" {
		t.Errorf("update: want it completed, have %s", state)
	}
}

// refused updates to an image that Swarm has to take back.
func (f *farm) refused(t *testing.T, args ...string) {
	t.Helper()
	out, err := f.swarm(t, "update", append(append([]string{"--name", service}, args...), quiet()...)...)
	if err == nil {
		t.Errorf("update: want it to fail, it says %s", out)
	}
	eventually(t, "the rollback is complete", 3*time.Minute, func() error {
		if state := f.updateState(t, service); state != "rollback_completed" {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	})
}

// runs waits until a healthy RQD of the image runs on every node, and nothing else of ours.
func (f *farm) runs(t *testing.T, image string) {
	t.Helper()
	for _, n := range f.nodes {
		want := n.imageID(t, image)
		eventually(t, n.name+" runs "+image, 2*time.Minute, func() error {
			c, ok := n.rqd(t)
			if all := n.list(t, labelRQD, "rqd"); len(all) != 1 {
				return fmt.Errorf("%d containers of rqd", len(all))
			}
			if !ok || c.State != engine.StateRunning || c.Health == "unhealthy" || c.Health == "starting" || c.ImageID != want {
				return fmt.Errorf("rqd is %s, %s, of %s (%.19s, want %.19s)", c.State, c.Health, c.Image, c.ImageID, want)
			}
			return nil
		})
	}
}

// identity is what tells an RQD that was left alone.
func (f *farm) identity(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, n := range f.nodes {
		c, _ := n.rqd(t)
		all[n.name] = c.ID + " " + c.StartedAt.String()
	}
	return all
}

// gone waits until no node has a container of RQD or a task.
func (f *farm) gone(t *testing.T, service string) {
	t.Helper()
	for _, n := range f.nodes {
		eventually(t, n.name+" has no rqd", 2*time.Minute, func() error {
			if left := n.list(t, labelRQD, "rqd"); len(left) > 0 {
				return fmt.Errorf("%s is %s", left[0].Name, left[0].State)
			}
			for _, c := range n.list(t, labelService, service) {
				if c.State == engine.StateRunning {
					return fmt.Errorf("task %s runs", c.Name)
				}
			}
			return nil
		})
	}
}

// TestService is the life of a service while frames run that know nothing of it.
func TestService(t *testing.T) {
	f := theFarm
	f.tidy(t, service)
	f.build(t, imageA, "FROM rqdcore:dev\nLABEL e2e=a\n")
	f.build(t, imageB, "FROM rqdcore:dev\nLABEL e2e=b\n")
	f.build(t, imageIll, "FROM rqd-frame-busybox:dev\nHEALTHCHECK --interval=1s --retries=2 CMD [\"/bin/sh\", \"-c\", \"exit 1\"]\nCMD [\"/bin/sh\", \"-c\", \"exec sleep 1000\"]\n")
	f.build(t, imageCrash, "FROM rqd-frame-busybox:dev\nCMD [\"/bin/sh\", \"-c\", \"echo no licence; exit 42\"]\n")
	f.build(t, imageMute, "FROM rqd-frame-busybox:dev\nCMD [\"/bin/sh\", \"-c\", \"exec sleep 1000\"]\n")
	f.serve(t)
	watchers := f.watch(t)

	// Each step begins where the one before has ended.
	step := func(name string, run func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, run) {
			t.FailNow()
		}
	}
	var frames *job
	step("create", func(t *testing.T) {
		f.create(t, imageA)
		f.runs(t, imageA)
		f.hosts(t)
	})
	frames = f.submit(t, "long", 30)
	step("update start-first", func(t *testing.T) {
		measure(t, "update, start-first", watchers, func() { f.update(t, "--image", imageB) })
		f.runs(t, imageB)
		frames.runsOn(t)
	})
	step("roll back by hand", func(t *testing.T) {
		measure(t, "rollback by hand, start-first", watchers, func() { f.must(t, "rollback", append([]string{"--name", service}, "--", "--quiet")...) })
		f.runs(t, imageA)
		frames.runsOn(t)
	})
	step("sick image start-first", func(t *testing.T) {
		before := map[string]string{}
		for _, n := range f.nodes {
			before[n.name] = n.supervisor(t, service).ID
		}
		measure(t, "RQD ill, rolled back by Swarm, start-first", watchers, func() { f.refused(t, "--image", imageIll) })
		f.runs(t, imageA)
		frames.runsOn(t)
		for _, n := range f.nodes {
			if have := n.supervisor(t, service).ID; have != before[n.name] {
				t.Errorf("%s: want the old task never stopped, was %.12s, is %.12s", n.name, before[n.name], have)
			}
		}
	})
	if len(f.nodes) > 1 {
		step("mute image start-first", func(t *testing.T) {
			measure(t, "RQD mute, rolled back by Swarm, start-first", watchers, func() { f.refused(t, "--image", imageMute) })
			f.runs(t, imageA)
			frames.runsOn(t)
		})
	}
	step("update stop-first", func(t *testing.T) {
		measure(t, "update, stop-first", watchers, func() { f.update(t, "--image", imageB, "--order", "stop-first") })
		f.runs(t, imageB)
		frames.runsOn(t)
	})
	step("crashing image stop-first", func(t *testing.T) {
		measure(t, "RQD crashes, rolled back by Swarm, stop-first", watchers, func() { f.refused(t, "--image", imageCrash) })
		f.runs(t, imageB)
		frames.runsOn(t)
	})
	step("supervisor killed", func(t *testing.T) {
		before := f.identity(t)
		measure(t, "supervisor killed by SIGKILL", watchers, func() {
			for _, n := range f.nodes {
				old := n.supervisor(t, service)
				n.docker(t, "", "kill", old.ID)
				eventually(t, n.name+" has the next supervisor", time.Minute, func() error {
					next := n.supervisor(t, service)
					if next.ID == old.ID || next.Health != "healthy" {
						return fmt.Errorf("%.12s is %s", next.ID, next.Health)
					}
					return nil
				})
			}
		})
		for name, want := range before {
			if have := f.identity(t)[name]; have != want {
				t.Errorf("%s: want rqd untouched, was %s, is %s", name, want, have)
			}
		}
		frames.runsOn(t)
	})
	step("remove", func(t *testing.T) {
		f.must(t, "remove", "--name", service)
		f.gone(t, service)
		if have := len(frames.containers(t)); have != frames.count {
			t.Errorf("want all %d frames to run on without an RQD, have %d", frames.count, have)
		}
	})
	step("create again", func(t *testing.T) {
		f.create(t, imageA, "--order", "stop-first")
		f.runs(t, imageA)
		f.hosts(t)
		frames.runsOn(t)
	})
	step("frames complete", func(t *testing.T) { frames.completes(t) })
	step("remove for good", func(t *testing.T) {
		f.must(t, "remove", "--name", service)
		f.gone(t, service)
	})
}
