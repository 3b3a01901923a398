//go:build swarm

package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

const handRQD = "hand"

// byHand makes supervisors with docker run's two halves, so that several start in the same moment.
func (n *node) byHand(t *testing.T, name, image string) engine.Container {
	t.Helper()
	n.docker(t, "", "create", "--name", name, "--stop-timeout", "30",
		"--volume", "/var/run/docker.sock:/var/run/docker.sock", "--env", "RQD_IMAGE="+image,
		"--env", "RQD_NAME="+handRQD, "--env", "RQD_PULL=never", "--env", "STOP_GRACE_SECONDS=4", "rqd-supervisor:dev")
	c, err := n.client.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// clear removes what the test has made by hand.
func (n *node) clear(t *testing.T) {
	t.Helper()
	for _, filter := range []string{"name=^/hand-", "label=" + labelRQD + "=" + handRQD} {
		for id := range strings.FieldsSeq(n.docker(t, "", "ps", "--all", "--quiet", "--filter", filter)) {
			n.docker(t, "", "rm", "--force", "--volumes", id)
		}
	}
}

// TestByHand has two supervisors of the same second, without a Swarm: the newer by nanoseconds owns RQD, whoever dies.
func TestByHand(t *testing.T) {
	t.Parallel()
	f := theFarm
	n := f.nodes[0]
	n.clear(t)
	t.Cleanup(func() { n.clear(t) })
	first, second := standin{"hand-first", politely, ":"}, standin{"hand-second", politely, ":"}
	f.standins(t, first, second)

	older, newer := n.sameSecond(t, first, second)
	n.docker(t, "", "start", older.Name, newer.Name)
	rqd := n.handRQD(t, second)
	eventually(t, "the older stands by", 2*time.Minute, func() error { return n.says(t, older, "standing by") })

	n.docker(t, "", "kill", newer.Name)
	n.handRQD(t, first) // The older takes the node back, with its own image.
	n.got(t, second, "TERM", "BYE")

	n.docker(t, "", "start", newer.Name)
	again := n.handRQD(t, second)
	if again.ID == rqd.ID {
		t.Error("want another container of rqd after the older had replaced it")
	}
	eventually(t, "the older stands by again", 2*time.Minute, func() error { return n.says(t, older, "standing by") })
	n.docker(t, "", "kill", older.Name)
	if c := n.handRQD(t, second); c.ID != again.ID {
		t.Error("want rqd untouched by the death of the older supervisor")
	}

	n.docker(t, "", "stop", newer.Name)
	if c, err := n.client.Inspect(t.Context(), newer.ID); err != nil || c.ExitCode != 7 {
		t.Errorf("want the supervisor to end with rqd's code 7, have %d, %v", c.ExitCode, err)
	}
	if left := n.list(t, labelRQD, handRQD); len(left) != 0 {
		t.Errorf("want no rqd left, have %s", left[0].Name)
	}
	n.oneAtATime(t, first, second)
}

// sameSecond makes two supervisors within a second of the clock.
func (n *node) sameSecond(t *testing.T, first, second standin) (older, newer engine.Container) {
	t.Helper()
	for range 20 {
		older, newer = n.byHand(t, "hand-older", first.ref()), n.byHand(t, "hand-newer", second.ref())
		if older.Created.Unix() == newer.Created.Unix() && older.Created.Before(newer.Created) {
			t.Logf("two supervisors created within %s", newer.Created.Sub(older.Created))
			return older, newer
		}
		n.clear(t)
	}
	t.Fatal("no two containers of the same second in 20 tries")
	return older, newer
}

// handRQD waits until the only RQD is one of the image.
func (n *node) handRQD(t *testing.T, image standin) engine.Container {
	t.Helper()
	var c engine.Container
	want := n.imageID(t, image.ref())
	eventually(t, "an rqd of "+image.name, 2*time.Minute, func() (err error) {
		if c, err = n.client.Inspect(t.Context(), handRQD); err != nil {
			return err
		}
		if all := n.list(t, labelRQD, handRQD); len(all) != 1 {
			return fmt.Errorf("%d containers of rqd", len(all))
		}
		if c.State != engine.StateRunning || c.ImageID != want {
			return fmt.Errorf("it is %s, of %s", c.State, c.Image)
		}
		return nil
	})
	return c
}

// says tells whether a supervisor's last line holds this.
func (n *node) says(t *testing.T, c engine.Container, what string) error {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "--host", n.socket, "logs", "--tail", "1", c.ID).CombinedOutput()
	if err == nil && !strings.Contains(string(out), what) {
		err = fmt.Errorf("its last line is %q, not %s", out, what)
	}
	return err
}
