//go:build swarm

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// TestOverlap kills one of the two supervisors that a start-first update has on a node.
func TestOverlap(t *testing.T) {
	t.Parallel()
	f := theFarm
	s := f.fleet(t, "overlap")
	ready := filepath.Join(shared, "overlap-ready")
	_ = os.Remove(ready) // Of an earlier run on a kept lab.
	good := standin{"overlap-good", politely, ":"}
	never := standin{"overlap-never", politely, "exit 1"}
	late := standin{"overlap-late", politely, "test -e " + ready}
	f.standins(t, good, never, late)
	// An RQD that is not ready is given time for as long as the test needs it.
	s.create(t, good.ref(), "--grace", "4", "--env", "RQD_READY_TIMEOUT=4m", "--", "--health-start-period", "4m")
	s.runs(t, good.ref())

	t.Run("the newer dies", func(t *testing.T) {
		before := map[string]string{}
		for _, n := range f.nodes {
			before[n.name] = s.supervisor(t, n).ID
		}
		s.begin(t, "--image", never.ref())
		n, tasks := s.overlapping(t, never)
		n.docker(t, "", "kill", tasks[1].ID)
		s.rolledBack(t)
		s.runs(t, good.ref())
		for _, n := range f.nodes {
			if have := s.supervisor(t, n).ID; have != before[n.name] {
				t.Errorf("%s: want the old task never stopped, was %.12s, is %.12s", n.name, before[n.name], have)
			}
		}
		n.got(t, never, "TERM", "BYE")
	})
	t.Run("the older dies", func(t *testing.T) {
		s.begin(t, "--image", late.ref())
		n, tasks := s.overlapping(t, late)
		n.docker(t, "", "kill", tasks[0].ID)
		if err := os.WriteFile(ready, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the update is complete", 3*time.Minute, func() error {
			if state := s.updateState(t); state != "completed" {
				return fmt.Errorf("it is %s", state)
			}
			return nil
		})
		s.runs(t, late.ref())
		if all := n.lives(t, late); len(all) != 1 {
			t.Errorf("%s: want the new rqd untouched by the old supervisor's death, have %+v", n.name, all)
		}
	})
	s.remove(t)
	for _, n := range f.nodes {
		n.oneAtATime(t, good, never, late)
	}
}

// overlapping waits for a node on which two tasks live and the newer has started its RQD.
func (s *fleet) overlapping(t *testing.T, image standin) (at *node, tasks []engine.Container) {
	t.Helper()
	eventually(t, "two supervisors, and an rqd of "+image.name, 3*time.Minute, func() error {
		for _, n := range s.farm.nodes {
			c, _ := s.rqd(t, n)
			if tasks = s.supervisors(t, n); len(tasks) == 2 && c.State == engine.StateRunning && len(n.lives(t, image)) == 1 {
				at = n
				return nil
			}
		}
		return errors.New("none yet")
	})
	return at, tasks
}

// TestOneMinute has an RQD that takes longer to stop than Swarm waits: after a minute the next task starts beside the one
// that stops it. RQD has its grace from the first SIGTERM on, and the next comes after it. That the next supervisor asks
// for the same once more is allowed: an engine does not tell who is stopping what.
func TestOneMinute(t *testing.T) {
	t.Parallel()
	const grace = 75
	f := theFarm
	s := f.fleet(t, "minute")
	slow, next := standin{"minute-slow", deaf, ":"}, standin{"minute-next", politely, ":"}
	f.standins(t, slow, next)
	s.create(t, slow.ref(), "--grace", fmt.Sprint(grace), "--order", "stop-first")
	s.runs(t, slow.ref())

	s.begin(t, "--image", next.ref())
	overlapped := map[string]bool{}
	eventually(t, "the update is complete", time.Duration(len(f.nodes))*3*time.Minute, func() error {
		for _, n := range f.nodes {
			if len(s.supervisors(t, n)) == 2 {
				overlapped[n.name] = true
			}
		}
		if state := s.updateState(t); state != "completed" {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	})
	s.runs(t, next.ref())
	for _, n := range f.nodes {
		if !overlapped[n.name] {
			t.Errorf("%s: want Swarm to start the next task after a minute, beside the old one", n.name)
		}
		l := n.lives(t, slow)[0]
		if l.signals = slices.Compact(l.signals); !slices.Equal(l.signals, []string{"START", "TERM"}) {
			t.Errorf("%s: want nothing but SIGTERM, have %v", n.name, l.signals)
		}
		l.given(t, grace)
		n.oneAtATime(t, slow, next)
		s.supervisor(t, n)
	}
	s.remove(t)
}
