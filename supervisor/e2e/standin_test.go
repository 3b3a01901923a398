//go:build swarm

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// standinScript is an RQD that knows nothing of us: a shell that writes down every signal with its time, on the
// machine's clock of seconds since the boot.
const standinScript = `f=%[1]s/%[2]s.$HOSTNAME.$$
now() { cut -d ' ' -f 1 /proc/uptime; }
for s in HUP INT QUIT USR1 USR2 ALRM CONT; do trap "echo $s \$(now) >>$f" $s; done
trap 'echo TERM $(now) >>$f; %[3]s' TERM
echo START $(now) >>$f
while :; do now >$f.alive; sleep 0.2 & wait $!; done
`

// What a stand-in does at a SIGTERM: it ends a second later with its own exit code and says so, or it does not care.
const (
	politely = "sleep 1; now >$f.alive; echo BYE $(now) >>$f; exit 7"
	deaf     = ":"
)

// standin is an image of an RQD that is not ours.
type standin struct {
	name   string
	atTerm string // What it does at a SIGTERM.
	health string // The command of its health check.
}

func (s standin) ref() string { return "rqd-e2e:" + s.name }

// life is one life of a stand-in: what it was sent, and when it was last seen alive.
type life struct {
	image   string
	signals []string
	at      []float64
	alive   float64
}

func standinDir() string { return filepath.Join(shared, "standins") }

// standins builds images on every node.
func (f *farm) standins(t *testing.T, images ...standin) {
	t.Helper()
	if err := os.MkdirAll(standinDir(), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, s := range images {
		for _, n := range f.nodes {
			n.forget(t, s)
		}
		script := fmt.Sprintf(standinScript, standinDir(), s.name, s.atTerm)
		f.build(t, s.ref(), "FROM rqd-frame-busybox:dev\n"+
			fmt.Sprintf("HEALTHCHECK --interval=2s --retries=2 CMD [\"/bin/sh\", \"-c\", %q]\n", s.health)+
			"CMD [\"/bin/sh\", \"-c\", "+strconv.Quote(script)+"]\n")
	}
}

// forget removes what an earlier run on a kept lab has left.
func (n *node) forget(t *testing.T, s standin) {
	t.Helper()
	for _, name := range n.files(t, s) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func (n *node) files(t *testing.T, s standin) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(standinDir(), s.name+"."+n.name+".*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// lives reads the lives of images' containers on a node, in the order of their starts.
func (n *node) lives(t *testing.T, images ...standin) []life {
	t.Helper()
	var all []life
	for _, s := range images {
		for _, name := range n.files(t, s) {
			if !strings.HasSuffix(name, ".alive") {
				all = append(all, readLife(t, s.name, name))
			}
		}
	}
	slices.SortFunc(all, func(a, b life) int { return int(1000 * (a.at[0] - b.at[0])) })
	return all
}

func readLife(t *testing.T, image, name string) life {
	t.Helper()
	l := life{image: image}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		signal, text, _ := strings.Cut(lines.Text(), " ")
		at, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %q", name, lines.Text())
		}
		l.signals, l.at = append(l.signals, signal), append(l.at, at)
	}
	if len(l.at) == 0 {
		t.Fatalf("%s has no START", name)
	}
	if text, err := os.ReadFile(name + ".alive"); err == nil {
		l.alive, _ = strconv.ParseFloat(strings.TrimSpace(string(text)), 64) // Empty in the moment of a write.
	}
	return l
}

// got asserts that the node had one RQD of the image that got just these signals. BYE stands for an end of its own.
func (n *node) got(t *testing.T, s standin, signals ...string) life {
	t.Helper()
	all := n.lives(t, s)
	if len(all) != 1 {
		t.Fatalf("%s: want one life of %s, have %+v", n.name, s.name, all)
	}
	l := all[0]
	if want := append([]string{"START"}, signals...); !slices.Equal(l.signals, want) {
		t.Fatalf("%s: %s: want the signals %v, have %v", n.name, s.name, want, l.signals)
	}
	return l
}

// graceSlack is what an engine may add to a grace, on a machine that does much else.
const graceSlack = 5

// given asserts that a life which did not end by itself had its grace from the first SIGTERM on.
func (l life) given(t *testing.T, grace int) {
	t.Helper()
	lived := l.alive - l.at[slices.Index(l.signals, "TERM")]
	t.Logf("%s lived for %.1f s after SIGTERM", l.image, lived)
	if lived < float64(grace)-0.5 || lived > float64(grace+graceSlack) {
		t.Errorf("%s: want the grace of %d s, lived for %.1f s after SIGTERM", l.image, grace, lived)
	}
}

// oneAtATime asserts that of all lives of the images on a node none began before the one before had ended.
func (n *node) oneAtATime(t *testing.T, images ...standin) {
	t.Helper()
	all := n.lives(t, images...)
	for i := 1; i < len(all); i++ {
		if all[i].at[0] < all[i-1].alive {
			t.Errorf("%s: two rqds ran at once: %s until %.2f, %s from %.2f", n.name, all[i-1].image, all[i-1].alive, all[i].image, all[i].at[0])
		}
	}
}
