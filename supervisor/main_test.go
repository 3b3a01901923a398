package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

func TestStartsRQDAsTheGuideDoes(t *testing.T) {
	bubble(t, func(w *world) {
		root := w.t.TempDir()
		writeFile(w.t, filepath.Join(root, "etc/opencue/rqd.conf"), "[Override]\n")
		m := w.supervisor(order{image: "rqd:1", root: root, change: func(_ *config, d *dependencies) {
			d.Environ = []string{"PATH=/bin", "RQD_IMAGE=rqd:1", "RQD_NAME=rqd", "STOP_GRACE_SECONDS=10", "CUEBOT_HOSTNAME=cue", "RQD_CONFIG_FILE=/x", "DOCKER_GPU_MODE=1"}
		}})
		settle(5 * time.Second)

		c := w.runs("rqd:1")
		have := w.fake.Spec("rqd")
		want := engine.Spec{
			Name: "rqd-new-" + m.id[:12], Image: "rqd:1", Hostname: "fake",
			Env:        []string{"CUEBOT_HOSTNAME=cue", "DOCKER_GPU_MODE=1", "RQD_CONFIG_FILE=/x"},
			Privilege:  engine.Privilege{Privileged: true},
			Namespaces: engine.Namespaces{PIDMode: "host", CgroupnsMode: "host", NetworkMode: "host", UsernsMode: "host"},
			Mounts: []engine.Mount{
				{Type: engine.MountBind, Source: "/tmp", Target: "/tmp", Propagation: "slave"},
				{Type: engine.MountBind, Source: "/var/run/docker.sock", Target: "/var/run/docker.sock", ReadOnly: true},
				{Type: engine.MountVolume, Source: "rqd-run", Target: "/run/rqd"},
				{Type: engine.MountVolume, Source: "rqd-state", Target: "/var/lib/rqd"},
			},
			Labels: map[string]string{
				"org.rqdswarm.rqd": "rqd", "org.rqdswarm.spec": c.Labels["org.rqdswarm.spec"],
				"org.rqdswarm.image": c.ImageID, "org.rqdswarm.service": "farm_rqd",
				"org.rqdswarm.task": "farm_rqd.7", "org.rqdswarm.node": "fake", "org.rqdswarm.stack": "farm",
			},
			Log: engine.LogConfig{Driver: "json-file", Options: map[string]string{"max-size": "10m", "max-file": "3"}},
		}
		if diff := cmp.Diff(want, have); diff != "" {
			w.t.Errorf("spec (-want +have):\n%s", diff)
		}
		file := w.fake.Files("rqd")["/etc/opencue/rqd.conf"]
		if string(file.Content) != "[Override]\n" || file.Mode != 0o644 {
			w.t.Errorf("rqd.conf: have %q with mode %o", file.Content, file.Mode)
		}
		if line := m.errOut.String(); !strings.Contains(line, "node=fake") || !strings.Contains(line, "task=farm_rqd.7") || !strings.Contains(line, "stack=farm") {
			w.t.Errorf("want Swarm's names in the log, have %s", line)
		}
		m.signals <- syscall.SIGTERM
		m.ends(time.Second, 143)
		w.left()
	})
}

func TestRootlessEngineIsRefused(t *testing.T) {
	bubble(t, func(w *world) {
		w.fake.SetInfo(engine.Info{Name: "fake", Rootless: true})
		m := w.supervisor(order{image: "rqd:1"})
		m.ends(time.Second, 1)
		if want := "the engine is rootless"; !strings.Contains(m.err.Error(), want) {
			w.t.Errorf("want %q, have %v", want, m.err)
		}
		w.left()
	})
}

func TestSignalsAndGrace(t *testing.T) {
	for name, c := range map[string]struct {
		script  enginetest.Script
		signals []os.Signal
		apart   time.Duration // Between the signals.
		code    int
		takes   time.Duration
		output  string
	}{
		"rqd ends in time, with its own code": {
			script:  enginetest.Script{Signals: map[string]enginetest.Reaction{"SIGTERM": {Print: "bye", After: 3 * time.Second, Exit: 7}}},
			signals: []os.Signal{syscall.SIGTERM}, code: 7, takes: 3 * time.Second, output: "bye\n",
		},
		"interrupt is a request to end": {
			script:  enginetest.Script{Signals: map[string]enginetest.Reaction{"SIGTERM": {After: time.Second}}},
			signals: []os.Signal{syscall.SIGINT}, code: 0, takes: time.Second,
		},
		"deaf rqd is killed after the grace": {
			script:  enginetest.Script{Signals: map[string]enginetest.Reaction{"SIGTERM": {Ignore: true}}},
			signals: []os.Signal{syscall.SIGTERM}, code: 137, takes: 10 * time.Second,
		},
		"second signal kills at once": {
			script:  enginetest.Script{Signals: map[string]enginetest.Reaction{"SIGTERM": {Ignore: true}}},
			signals: []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, apart: time.Second, code: 137, takes: time.Second,
		},
		"two signals at once are one": { // As timeout(1) sends them.
			script:  enginetest.Script{Signals: map[string]enginetest.Reaction{"SIGTERM": {Ignore: true}}},
			signals: []os.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGINT}, apart: 300 * time.Millisecond, code: 137, takes: 10 * time.Second,
		},
		"other signals are rqd's": {
			script: enginetest.Script{Signals: map[string]enginetest.Reaction{
				"SIGUSR1": {Ignore: true, Print: "usr1"}, "SIGHUP": {Ignore: true, Print: "hup"}, "SIGTERM": {Exit: 3},
			}},
			signals: []os.Signal{syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGTERM}, apart: time.Second, code: 3, takes: 2 * time.Second, output: "usr1\nhup\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				c.script.Health = "healthy"
				w.image("rqd:1", c.script)
				m := w.supervisor(order{image: "rqd:1", grace: 10 * time.Second})
				settle(5 * time.Second)
				w.runs("rqd:1")

				begun := time.Now()
				for i, s := range c.signals {
					if i > 0 {
						settle(c.apart)
					}
					m.signals <- s
				}
				m.ends(time.Minute, c.code)
				if took := time.Since(begun); took < c.takes || took > c.takes+500*time.Millisecond {
					w.t.Errorf("want the end after %s, have %s", c.takes, took)
				}
				if m.out.String() != c.output {
					w.t.Errorf("output: want %q, have %q", c.output, m.out)
				}
				w.left()
			})
		})
	}
}

func TestRQDEndsByItself(t *testing.T) {
	for name, code := range map[string]int{"well": 0, "badly": 42} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.image("rqd:1", enginetest.Script{Health: "healthy", Output: []string{"up"}, Errors: []string{"on stderr"}, Unterminated: "last words", Lifetime: 20 * time.Second, ExitCode: code})
				m := w.supervisor(order{image: "rqd:1"})
				m.ends(25*time.Second, code)
				if want := "up\nlast words\n"; m.out.String() != want {
					w.t.Errorf("output: want %q, have %q", want, m.out)
				}
				if !strings.Contains(m.errOut.String(), "on stderr\n") {
					w.t.Errorf("stderr: want RQD's, have %q", m.errOut)
				}
				w.left()
			})
		})
	}
}

func TestRQDEndsAtOnce(t *testing.T) {
	bubble(t, func(w *world) {
		w.image("rqd:1", enginetest.Script{Output: []string{"no config"}, Lifetime: -1, ExitCode: 2})
		m := w.supervisor(order{image: "rqd:1"})
		m.ends(5*time.Second, 2)
		if want := "no config\n"; m.out.String() != want {
			w.t.Errorf("output: want %q, have %q", want, m.out)
		}
		w.left()
	})
}

func TestRQDRemovedBySomebody(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		if err := w.fake.Remove(w.t.Context(), "rqd", engine.RemoveOptions{Force: true}); err != nil {
			w.t.Fatal(err)
		}
		m.ends(5*time.Second, 1)
	})
}

func TestForeignContainerIsNotTouched(t *testing.T) {
	bubble(t, func(w *world) {
		id, _, err := w.fake.Create(w.t.Context(), engine.Spec{Name: "rqd", Image: "rqd:2"})
		if err != nil {
			w.t.Fatal(err)
		}
		m := w.supervisor(order{image: "rqd:1"})
		m.ends(5*time.Second, 1)
		if !strings.Contains(m.errOut.String(), "was not made by a supervisor") || w.rqd().ID != id {
			w.t.Errorf("want the foreign container named and left, have %s", m.errOut)
		}
	})
}

func TestKilledSupervisorsRQDIsAdopted(t *testing.T) {
	bubble(t, func(w *world) {
		first := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		before := w.runs("rqd:1")
		first.shot()
		w.fake.Print("rqd", "between the two")
		settle(time.Second)

		next := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		w.fake.Print("rqd", "under the second")
		settle(time.Second)
		if after := w.runs("rqd:1"); after.ID != before.ID || !after.StartedAt.Equal(before.StartedAt) {
			w.t.Errorf("want the same run of rqd, have another: %v, %v", before, after)
		}
		if want := "between the two\nunder the second\n"; next.out.String() != want {
			w.t.Errorf("output: want %q, have %q", want, next.out)
		}
		next.lives()
		next.signals <- syscall.SIGTERM
		next.ends(time.Second, 143)
		w.left()
	})
}

func TestNoRQDIsLeftByAnImageThatIsNotThere(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.supervisor(order{image: "registry.example.com/rqd:none"})
		m.ends(5*time.Second, 1)
		if want := "image registry.example.com/rqd:none is neither on this node nor pullable"; !strings.Contains(m.errOut.String(), want) {
			w.t.Errorf("want %q, have %s", want, m.errOut)
		}
		w.left()
	})
}

func TestEngineAwayForAWhile(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.supervisor(order{image: "rqd:1", change: func(c *config, _ *dependencies) { c.ReadyTimeout = 0 }})
		settle(5 * time.Second)
		w.fake.GoDown()
		settle(20 * time.Second)
		m.lives()
		w.fake.ComeUp()
		settle(10 * time.Second)
		w.fake.Print("rqd", "still here")
		settle(10 * time.Second)
		m.lives()
		if want := "still here\n"; m.out.String() != want {
			w.t.Errorf("output: want %q, have %q", want, m.out)
		}
		w.runs("rqd:1")
		m.signals <- syscall.SIGTERM
		m.ends(time.Second, 143)
	})
}

func TestHostThatRefusesWhatTheGuideAsksFor(t *testing.T) {
	bubble(t, func(w *world) {
		w.fake.RefusePrivileged("SYS_RESOURCE")
		w.fake.RefusePropagation()
		m := w.supervisor(order{image: "rqd:1"})
		settle(10 * time.Second)
		w.runs("rqd:1")
		spec := w.fake.Spec("rqd")
		if spec.Privileged || spec.Mounts[0].Propagation != "rprivate" || len(spec.CapAdd) != 40 || slices.Contains(spec.CapAdd, "SYS_RESOURCE") {
			w.t.Errorf("want capabilities and rprivate, have %+v, %+v", spec.Privilege, spec.Mounts[0])
		}
		if n := len(w.starts()); n > 7 {
			w.t.Errorf("want what the host grants found in a handful of starts, have %d", n)
		}
		hash := w.rqd().Labels["org.rqdswarm.spec"]
		m.shot()

		before := len(w.starts())
		next := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		if w.runs("rqd:1").Labels["org.rqdswarm.spec"] != hash {
			w.t.Error("want the rqd with less adopted as the wanted one, have another")
		}
		if n := len(w.starts()); n > before+1 {
			w.t.Errorf("want an rqd adopted without asking what the host grants, have %d starts", n-before)
		}
		next.signals <- syscall.SIGTERM
		next.ends(time.Second, 143)
	})
}

func TestStepsAreRepeatedUntilTheySucceed(t *testing.T) {
	for _, method := range []string{"List", "Inspect", "Create", "CopyTo", "Rename", "Start", "Remove"} {
		for _, lost := range []string{"call", "answer"} {
			if lost == "answer" && (method == "List" || method == "Inspect") {
				continue
			}
			t.Run(method+" "+lost, func(t *testing.T) {
				bubble(t, func(w *world) {
					root := w.t.TempDir()
					writeFile(w.t, filepath.Join(root, "etc/opencue/rqd.conf"), "x")
					first := w.supervisor(order{image: "rqd:1"})
					settle(5 * time.Second)
					w.runs("rqd:1")
					first.shot()

					next := w.supervisor(order{image: "rqd:2", root: root, change: func(_ *config, d *dependencies) {
						d.Engine = &flaky{Fake: w.fake, inject: func() {
							fault := fmt.Errorf("lost %s: %w", lost, engine.ErrUnavailable)
							if lost == "answer" {
								w.fake.FailAfter(method, fault)
								return
							}
							w.fake.Fail(method, fault)
						}}
					}})
					settle(30 * time.Second)
					next.lives()
					w.runs("rqd:2")
					next.signals <- syscall.SIGTERM
					next.ends(time.Second, 143)
					w.left()
				})
			})
		}
	}
}

// flaky is a Fake that loses one thing when its events are followed for the first time, which is when the loop begins.
type flaky struct {
	*enginetest.Fake
	once   sync.Once
	inject func()
}

func (f *flaky) Events(ctx context.Context, labels map[string]string) (<-chan engine.Event, <-chan error) {
	f.once.Do(f.inject)
	return f.Fake.Events(ctx, labels)
}
