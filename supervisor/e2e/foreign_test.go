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

// foreign is an RQD that knows nothing of us: a shell that writes down every signal with its time, on the machine's clock
// of seconds since the boot. It ends a second after a SIGTERM, or not at all if it is deaf.
const foreign = `f=%[1]s/%[2]s.$HOSTNAME.$$
now() { cut -d ' ' -f 1 /proc/uptime; }
for s in HUP INT QUIT USR1 USR2 ALRM CONT; do trap "echo $s \$(now) >>$f" $s; done
trap 'echo TERM $(now) >>$f; %[3]s' TERM
echo START $(now) >>$f
while :; do now >$f.alive; sleep 0.1 & wait $!; done
`

// politely is the end of a polite one: a second, and then its own exit code.
const politely = "for i in 1 2 3 4 5 6 7 8 9 10; do now >$f.alive; sleep 0.1; done; exit 7"

const foreignService = "foreign"

// standin is one life of a foreign RQD: what it was sent, and when it was last seen alive.
type standin struct {
	signals []string
	at      []float64
	alive   float64
}

func standinDir() string { return filepath.Join(shared, fmt.Sprintf("foreign-%d", os.Getpid())) }

// standins reads the lives of an image's containers on a node.
func (n *node) standins(t *testing.T, image string) []standin {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(standinDir(), image+"."+n.name+".*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []standin
	for _, name := range files {
		if strings.HasSuffix(name, ".alive") {
			continue
		}
		var s standin
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			signal, text, _ := strings.Cut(lines.Text(), " ")
			at, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatalf("%s: %q", name, lines.Text())
			}
			s.signals, s.at = append(s.signals, signal), append(s.at, at)
		}
		file.Close()
		if text, err := os.ReadFile(name + ".alive"); err == nil {
			s.alive, _ = strconv.ParseFloat(strings.TrimSpace(string(text)), 64) // Empty in the moment of a write.
		}
		all = append(all, s)
	}
	return all
}

// lived asserts that the node had one RQD of the image, that it got just these signals, and how long it lived after the last.
func (n *node) lived(t *testing.T, image string, signals []string, from, to float64) {
	t.Helper()
	all := n.standins(t, image)
	if len(all) != 1 {
		t.Fatalf("%s: want one life of %s, have %+v", n.name, image, all)
	}
	s := all[0]
	if want := append([]string{"START"}, signals...); !slices.Equal(s.signals, want) {
		t.Fatalf("%s: %s: want the signals %v, have %v", n.name, image, want, s.signals)
	}
	after := s.alive - s.at[len(s.at)-1]
	t.Logf("%s: %s got %v and lived for %.1f s after that", n.name, image, signals, after)
	if after < from || after > to {
		t.Errorf("%s: %s: want it alive for %.1f to %.1f s after %v, was %.1f s", n.name, image, from, to, signals, after)
	}
}

// TestForeignImage runs RQDs that are not ours: they get the signals that the service gets, and the grace to the second.
func TestForeignImage(t *testing.T) {
	const grace = 4
	f := theFarm
	f.tidy(t, foreignService)
	if err := os.MkdirAll(standinDir(), 0o777); err != nil {
		t.Fatal(err)
	}
	for image, atTerm := range map[string]string{"polite1": politely, "polite2": politely, "deaf": ":"} {
		script := fmt.Sprintf(foreign, standinDir(), image, atTerm)
		f.build(t, "rqd-e2e:"+image, "FROM rqd-frame-busybox:dev\n"+
			"HEALTHCHECK --interval=1s CMD [\"/bin/sh\", \"-c\", \":\"]\n"+
			"CMD [\"/bin/sh\", \"-c\", "+strconv.Quote(script)+"]\n")
	}
	update := func(args ...string) {
		f.must(t, "update", append(append([]string{"--name", foreignService}, args...), quiet()...)...)
		if state := f.updateState(t, foreignService); state != "completed" {
			t.Errorf("update: want it completed, have %s", state)
		}
	}
	f.must(t, "create", append([]string{
		"--name", foreignService, "--image", "rqd-e2e:polite1", "--supervisor", "rqd-supervisor:dev",
		"--grace", fmt.Sprint(grace), "--env", "RQD_PULL=missing",
	}, quiet()...)...)
	f.runs(t, "rqd-e2e:polite1")
	for _, n := range f.nodes {
		n.docker(t, "", "kill", "--signal", "USR1", n.supervisor(t, foreignService).ID)
	}

	update("--image", "rqd-e2e:polite2")
	f.runs(t, "rqd-e2e:polite2")
	for _, n := range f.nodes {
		n.lived(t, "polite1", []string{"USR1", "TERM"}, 0.5, 3)
	}

	update("--image", "rqd-e2e:deaf", "--order", "stop-first")
	f.runs(t, "rqd-e2e:deaf")
	for _, n := range f.nodes {
		n.lived(t, "polite2", []string{"TERM"}, 0.5, 3)
		if next, last := n.standins(t, "deaf"), n.standins(t, "polite2"); next[0].at[0] < last[0].alive {
			t.Errorf("%s: two rqds ran at once: one until %.2f, the next from %.2f", n.name, last[0].alive, next[0].at[0])
		}
	}

	f.must(t, "remove", "--name", foreignService)
	f.gone(t, foreignService)
	for _, n := range f.nodes {
		n.lived(t, "deaf", []string{"TERM"}, grace-0.5, grace+2)
	}
}
