//go:build swarm

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// fleet is a service that runs an RQD on every node. Each has its own name of RQD, so that several live beside each
// other on one lab.
type fleet struct {
	farm      *farm
	name      string // Of the Swarm service.
	container string // Of its RQD on each node.
}

// fleet returns a service that does not exist yet, and takes it away at the end of the test.
func (f *farm) fleet(t *testing.T, name string) *fleet {
	t.Helper()
	s := &fleet{farm: f, name: name, container: name}
	remove := func() {
		cmd := exec.Command(f.script("swarm-remove.sh"), "--name", name)
		cmd.Env = f.manager()
		_ = cmd.Run() // Most often there is none.
	}
	remove()
	s.gone(t)
	t.Cleanup(remove)
	return s
}

// patient says that the run is the long one, on several nodes: the scripts' own times, one test after the other, and
// the figures that are printed are those of a farm.
func (f *farm) patient() bool { return len(f.nodes) > 1 }

// create makes the service, with short times as far as the run is not a patient one. What follows a -- in more is
// docker's, as it is for the script.
func (s *fleet) create(t *testing.T, image string, more ...string) {
	t.Helper()
	var dockers []string
	if i := slices.Index(more, "--"); i >= 0 {
		more, dockers = more[:i], more[i+1:]
	}
	args := []string{
		"--name", s.name, "--image", image, "--supervisor", "rqd-supervisor:dev",
		"--env", "RQD_NAME=" + s.container, "--env", "RQD_PULL=missing",
	}
	args = append(append(args, more...), quiet()...)
	if !s.farm.patient() {
		// The start period is only longer: a machine that does much else needs it.
		args = append(args, "--health-interval", "2s", "--health-start-period", "4m",
			"--update-monitor", "2s", "--rollback-monitor", "2s", "--restart-delay", "1s")
	}
	s.farm.must(t, "create", append(args, dockers...)...)
}

// script runs one of the scripts for the service.
func (s *fleet) script(t *testing.T, what string, args ...string) (string, error) {
	t.Helper()
	return s.farm.swarm(t, what, append([]string{"--name", s.name}, args...)...)
}

func (s *fleet) update(t *testing.T, args ...string) {
	t.Helper()
	s.farm.must(t, "update", append(append([]string{"--name", s.name}, args...), quiet()...)...)
	if state := s.updateState(t); state != "completed" {
		t.Errorf("update: want it completed, have %s", state)
	}
}

// refused updates to something that Swarm has to take back.
func (s *fleet) refused(t *testing.T, args ...string) {
	t.Helper()
	out, err := s.script(t, "update", append(args, quiet()...)...)
	if err == nil {
		t.Errorf("update: want it to fail, it says %s", out)
	}
	s.rolledBack(t)
}

func (s *fleet) rolledBack(t *testing.T) {
	t.Helper()
	eventually(t, "the rollback is complete", 3*time.Minute, func() error {
		if state := s.updateState(t); state != "rollback_completed" {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	})
}

// begin starts an update and does not wait for its end.
func (s *fleet) begin(t *testing.T, args ...string) {
	t.Helper()
	s.farm.must(t, "update", append(append([]string{"--name", s.name}, args...), append(quiet(), "--detach")...)...)
}

func (s *fleet) remove(t *testing.T) {
	t.Helper()
	s.farm.must(t, "remove", "--name", s.name)
	s.gone(t)
}

// quiet are flags of docker for commands that nobody watches, where no registry is.
func quiet() []string { return []string{"--", "--quiet", "--no-resolve-image"} }

// updateState is how Swarm says that the last update went.
func (s *fleet) updateState(t *testing.T) string {
	t.Helper()
	return s.farm.nodes[0].docker(t, "", "service", "inspect", "--format", "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}", s.name)
}

// runs waits until an RQD of the image runs on every node, healthy if it can be, and nothing else of the service's.
func (s *fleet) runs(t *testing.T, image string) {
	t.Helper()
	for _, n := range s.farm.nodes {
		want := n.imageID(t, image)
		eventually(t, n.name+" runs "+image, 2*time.Minute, func() error {
			c, ok := s.rqd(t, n)
			if all := n.list(t, labelRQD, s.container); len(all) != 1 {
				return fmt.Errorf("%d containers of %s", len(all), s.container)
			}
			if !ok || c.State != engine.StateRunning || c.Health == "unhealthy" || c.Health == "starting" || c.ImageID != want {
				return fmt.Errorf("%s is %s, %s, of %s (%.19s, want %.19s)", s.container, c.State, c.Health, c.Image, c.ImageID, want)
			}
			return nil
		})
	}
}

// gone waits until no node has a container of the service's RQD or a running task.
func (s *fleet) gone(t *testing.T) {
	t.Helper()
	for _, n := range s.farm.nodes {
		eventually(t, n.name+" has no "+s.name, 2*time.Minute, func() error {
			if left := n.list(t, labelRQD, s.container); len(left) > 0 {
				return fmt.Errorf("%s is %s", left[0].Name, left[0].State)
			}
			if tasks := s.supervisors(t, n); len(tasks) > 0 {
				return fmt.Errorf("task %s runs", tasks[0].Name)
			}
			return nil
		})
	}
}

// rqd is a node's RQD, or nothing.
func (s *fleet) rqd(t *testing.T, n *node) (engine.Container, bool) {
	t.Helper()
	c, err := n.client.Inspect(t.Context(), s.container)
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Container{}, false
	}
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	return c, true
}

// identity is what tells an RQD that was left alone.
func (s *fleet) identity(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, n := range s.farm.nodes {
		c, _ := s.rqd(t, n)
		all[n.name] = c.ID + " " + c.StartedAt.String()
	}
	return all
}

// untouched says that every node's RQD is the one that it was.
func (s *fleet) untouched(t *testing.T, before map[string]string) {
	t.Helper()
	for name, have := range s.identity(t) {
		if want := before[name]; have != want {
			t.Errorf("%s: want %s untouched, was %s, is %s", name, s.name, want, have)
		}
	}
}

// supervisors are the running tasks' containers on a node, the oldest first.
func (s *fleet) supervisors(t *testing.T, n *node) []engine.Container {
	t.Helper()
	var running []engine.Container
	for _, listed := range n.list(t, labelService, s.name) {
		if listed.State != engine.StateRunning {
			continue
		}
		c, err := n.client.Inspect(context.WithoutCancel(t.Context()), listed.ID)
		if err == nil && c.State == engine.StateRunning {
			running = append(running, c)
		}
	}
	slices.SortFunc(running, func(a, b engine.Container) int { return a.Created.Compare(b.Created) })
	return running
}

// supervisor is the node's only running task.
func (s *fleet) supervisor(t *testing.T, n *node) engine.Container {
	t.Helper()
	return s.settled(t, n, 1)[0]
}

// settled waits until a node has a number of running tasks.
func (s *fleet) settled(t *testing.T, n *node, count int) []engine.Container {
	t.Helper()
	var running []engine.Container
	eventually(t, fmt.Sprintf("%s has %d supervisors of %s", n.name, count, s.name), 2*time.Minute, func() error {
		if running = s.supervisors(t, n); len(running) != count {
			return fmt.Errorf("%d run", len(running))
		}
		return nil
	})
	return running
}

// log is what Swarm has of all tasks' output, task after task: asked for a whole service, an engine 20.10 has been seen to
// stop in the middle of several long logs.
func (s *fleet) log(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for id := range strings.FieldsSeq(s.farm.nodes[0].docker(t, "", "service", "ps", "--quiet", s.name)) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "docker", "--host", s.farm.nodes[0].socket, "service", "logs", "--raw", id)
		cmd.Stdout = &out
		err := cmd.Run()
		cancel()
		if err != nil {
			t.Fatalf("docker service logs %s: %v", id, err)
		}
	}
	return out.String()
}
