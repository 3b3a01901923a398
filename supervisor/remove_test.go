package main

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/supervisor/swarm"
)

// helper is a container of the supervisor's image that runs another command.
func (w *world) helper(command string) swarm.Self {
	w.t.Helper()
	id, _, err := w.fake.Create(w.t.Context(), engine.Spec{Image: "supervisor:1", Cmd: []string{command}, Labels: map[string]string{swarm.RoleLabel: swarm.RoleSupervisor}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.fake.Start(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
	c, err := w.fake.Inspect(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return swarm.Self{Container: c, Created: c.Created, Started: c.StartedAt}
}

func TestRemoveWhatASupervisorLeft(t *testing.T) {
	bubble(t, func(w *world) {
		w.image("rqd:1", enginetest.Script{Health: "healthy", Signals: map[string]enginetest.Reaction{"SIGTERM": {After: 4 * time.Second}}})
		m := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		by := w.helper("remove")
		var out strings.Builder
		cfg := config{Name: "rqd", StopGrace: 10 * time.Second}
		if err := removeLeft(w.t.Context(), cfg, w.fake, leftBy{self: by, out: &out}); !errors.Is(err, errSupervised) {
			w.t.Errorf("want it refused while a supervisor lives, have %v", err)
		}
		w.runs("rqd:1")
		m.shot()
		begun := time.Now()
		if err := removeLeft(w.t.Context(), cfg, w.fake, leftBy{self: by, out: &out}); err != nil {
			w.t.Fatal(err)
		}
		if took := time.Since(begun); took != 4*time.Second {
			w.t.Errorf("want rqd given its time, have %s", took)
		}
		w.left()
		if err := removeLeft(w.t.Context(), cfg, w.fake, leftBy{self: by, out: &out}); err != nil {
			w.t.Fatal(err)
		}
		if text := out.String(); !strings.Contains(text, "removed rqd (") || !strings.Contains(text, "no container of rqd on this node") {
			w.t.Errorf("want it said what was done, have %q", text)
		}
	})
}

// TestOtherCommandsOwnNothing has somebody run the doctor by docker run, which makes a container newer than the owner's.
func TestOtherCommandsOwnNothing(t *testing.T) {
	for _, command := range []string{"doctor", "remove", "capabilities"} {
		t.Run(command, func(t *testing.T) {
			bubble(t, func(w *world) {
				m := w.supervisor(order{image: "rqd:1"})
				settle(5 * time.Second)
				w.helper(command)
				settle(5 * time.Second)
				m.signals <- syscall.SIGTERM
				m.ends(time.Second, 143) // One that stood by would leave RQD to the other, with 0.
				w.left()
			})
		})
	}
}

func TestStopWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		grace, container, service time.Duration
		labels                    map[string]string
		want                      string
	}{
		"docker run":             {grace: 10 * time.Second},
		"docker run, long grace": {grace: 20 * time.Second, want: "of our own container is 10s: want at least 27s"},
		"compose":                {grace: 10 * time.Second, container: 30 * time.Second},
		"compose, too short":     {grace: 10 * time.Second, container: 12 * time.Second, want: "of our own container is 12s: want at least 17s"},
		"swarm, worker":          {grace: 60 * time.Second, labels: map[string]string{"com.docker.swarm.service.name": "farm_rqd"}},
		"swarm, manager":         {grace: 10 * time.Second, service: 30 * time.Second, labels: map[string]string{"com.docker.swarm.service.name": "farm_rqd"}},
		"swarm, too short":       {grace: 10 * time.Second, service: 10 * time.Second, want: "the service's --stop-grace-period is 10s: want at least 17s, STOP_GRACE_SECONDS=10 and 7s more"},
	} {
		p := place{self: swarm.Self{Container: engine.Container{ID: "x", StopTimeout: c.container, Labels: c.labels}}, serviceGrace: c.service}
		have := strings.Join(config{StopGrace: c.grace}.stopWarnings(p), "\n")
		if (have == "") != (c.want == "") || !strings.Contains(have, c.want) {
			t.Errorf("%s: want %q, have %q", name, c.want, have)
		}
	}
	if have := (config{StopGrace: time.Hour}).stopWarnings(place{}); have != nil {
		t.Errorf("bare: want nothing, have %v", have)
	}
}

func TestGraceWarnings(t *testing.T) {
	t.Parallel()
	for grace, want := range map[time.Duration]string{
		0: "", 10 * time.Second: "", 67 * time.Second: "",
		68 * time.Second: "STOP_GRACE_SECONDS=68: an update that fails may leave the host without rqd for 3m46s, and Cuebot gives it up after 5m0s",
	} {
		have := strings.Join(config{StopGrace: grace}.graceWarnings(), "\n")
		if (have == "") != (want == "") || !strings.Contains(have, want) {
			t.Errorf("%s: want %q, have %q", grace, want, have)
		}
	}
}

// TestDoctorWithoutEngine prints a table all the same.
func TestDoctorWithoutEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	t.Setenv("RQD_IMAGE", "rqd:1")
	var out bytes.Buffer
	code, err := examine(t.Context(), &out)
	if code != exitFailed || err != nil || !strings.Contains(out.String(), "FAILURE  engine") || !strings.Contains(out.String(), "start the engine") {
		t.Errorf("want 1 and a row for the engine, have %d, %v, %s", code, err, &out)
	}
}

// TestServicesGraceIsAskedFor has the supervisor run on a manager.
func TestServicesGraceIsAskedFor(t *testing.T) {
	bubble(t, func(w *world) {
		w.fake.SetServiceStopGrace("svc", 5*time.Second)
		m := w.supervisor(order{image: "rqd:1", grace: 10 * time.Second, service: "svc"})
		settle(5 * time.Second)
		if want := "the service's --stop-grace-period is 5s"; !strings.Contains(m.errOut.String(), want) {
			w.t.Errorf("want %q, have %s", want, m.errOut)
		}
		end(m)
	})
}
