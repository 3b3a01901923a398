//go:build swarm

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// words is an RQD that talks: numbered lines, about two hundred a second, until it is told to stop by a file.
const words = `trap 'exit 0' TERM
n=0
until [ -e %s ]; do
	for i in 1 2 3 4 5 6 7 8 9 10; do n=$((n+1)); echo "word $HOSTNAME $n, said by an rqd that has much to say"; done
	sleep 0.05
done
echo "words $HOSTNAME $n"
while :; do sleep 0.1 & wait $!; done
`

// TestOutput compares what an RQD printed with what Swarm has of it: each line once, over rotations of RQD's log, a
// take-over by the next supervisor and the SIGKILL of one.
func TestOutput(t *testing.T) {
	t.Parallel()
	f := theFarm
	s := f.fleet(t, "output")
	stop := filepath.Join(shared, "output-stop")
	_ = os.Remove(stop) // Of an earlier run on a kept lab.
	f.build(t, "rqd-e2e:words", "FROM rqd-frame-busybox:dev\nHEALTHCHECK --interval=2s CMD [\"/bin/sh\", \"-c\", \":\"]\n"+
		fmt.Sprintf("CMD [\"/bin/sh\", \"-c\", %q]\n", fmt.Sprintf(words, stop)))
	f.build(t, "rqd-supervisor:e2e", "FROM rqd-supervisor:dev\nLABEL e2e=next\n")
	// Small files: about one every eight seconds, and two minutes of them would not fit.
	s.create(t, "rqd-e2e:words", "--env", "RQD_RUN_ARGS=--log-driver json-file --log-opt max-size=256k --log-opt max-file=3")
	s.runs(t, "rqd-e2e:words")
	before := s.identity(t)
	s.said(t, 3000)
	s.update(t, "--supervisor", "rqd-supervisor:e2e")
	s.said(t, 6000)
	killed := map[string]int{}
	for _, n := range f.nodes {
		old := s.supervisor(t, n)
		n.docker(t, "", "kill", old.ID)
		killed[n.name] = highest(n.words(n.docker(t, "", "logs", old.ID)))
	}
	s.said(t, 9000)
	s.untouched(t, before)
	if err := os.WriteFile(stop, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the last words arrive", time.Minute, func() error {
		if have := strings.Count(s.log(t), "words "); have < len(f.nodes) {
			return fmt.Errorf("from %d nodes", have)
		}
		return nil
	})
	log := s.log(t)
	for _, n := range f.nodes {
		if kept := n.words(n.docker(t, "", "logs", s.container)); kept[1] != 0 {
			t.Errorf("%s: want rqd's own log rotated by now, it still has the first word", n.name)
		}
		n.heard(t, log, killed[n.name])
	}
	s.remove(t)
}

// said waits until Swarm has a line with at least this number from each node.
func (s *fleet) said(t *testing.T, number int) {
	t.Helper()
	eventually(t, fmt.Sprintf("word %d", number), 2*time.Minute, func() error {
		log := s.log(t)
		for _, n := range s.farm.nodes {
			if have := highest(n.words(log)); have < number {
				return fmt.Errorf("%s is at %d", n.name, have)
			}
		}
		return nil
	})
}

// words counts how often each number came from a node.
func (n *node) words(log string) map[int]int {
	count := map[int]int{}
	for line := range strings.Lines(log) {
		var k int
		if _, err := fmt.Sscanf(line, "word "+n.name+" %d, said by an rqd that has much to say\n", &k); err == nil {
			count[k]++
		}
	}
	return count
}

func highest(count map[int]int) int {
	most := 0
	for k := range count {
		most = max(most, k)
	}
	return most
}

// heard asserts that each line of a node came once, and the last words. killed is the last line before a SIGKILL.
func (n *node) heard(t *testing.T, log string, killed int) {
	t.Helper()
	_, after, _ := strings.Cut(log, "words "+n.name+" ")
	var total int
	if _, err := fmt.Sscanf(after, "%d\n", &total); err != nil {
		t.Fatalf("%s: last words: %v", n.name, err)
	}
	count := n.words(log)
	var lost, repeated []int
	for k := 1; k <= total; k++ {
		switch {
		case count[k] == 0:
			lost = append(lost, k)
		case count[k] > 1:
			repeated = append(repeated, k)
		}
	}
	t.Logf("%s: %d lines, %d lost and %d repeated; the SIGKILL came after %d", n.name, total, len(lost), len(repeated), killed)
	if len(lost) > 0 {
		t.Errorf("%s: %d lines are lost, %d to %d among them", n.name, len(lost), lost[0], lost[len(lost)-1])
	}
	if len(repeated) > 0 {
		t.Errorf("%s: %d lines came more than once, %d to %d among them", n.name, len(repeated), repeated[0], repeated[len(repeated)-1])
	}
	if over := highest(count); over > total {
		t.Errorf("%s: want %d lines, have one with the number %d", n.name, total, over)
	}
}
