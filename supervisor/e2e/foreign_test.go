//go:build swarm

package e2e

import (
	"fmt"
	"testing"
)

// TestForeignImage runs RQDs that are not ours: they get the signals that the service gets, and the grace to the second.
func TestForeignImage(t *testing.T) {
	t.Parallel()
	const grace = 4
	f := theFarm
	s := f.fleet(t, "foreign")
	first, second := standin{"foreign-first", politely, ":"}, standin{"foreign-second", politely, ":"}
	stubborn := standin{"foreign-deaf", deaf, ":"}
	f.standins(t, first, second, stubborn)
	s.create(t, first.ref(), "--grace", fmt.Sprint(grace))
	s.runs(t, first.ref())
	for _, n := range f.nodes {
		n.docker(t, "", "kill", "--signal", "USR1", s.supervisor(t, n).ID)
	}

	s.update(t, "--image", second.ref())
	s.runs(t, second.ref())
	for _, n := range f.nodes {
		n.got(t, first, "USR1", "TERM", "BYE")
	}

	s.update(t, "--image", stubborn.ref(), "--order", "stop-first")
	s.runs(t, stubborn.ref())
	for _, n := range f.nodes {
		n.got(t, second, "TERM", "BYE")
	}

	s.remove(t)
	for _, n := range f.nodes {
		n.got(t, stubborn, "TERM").given(t, grace)
		n.oneAtATime(t, first, second, stubborn)
	}
}
