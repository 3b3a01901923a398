//go:build swarm

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// Directories and names that scripts/lab.sh gives a lab of that name: a person's own lab is left alone.
const (
	lab    = "e2e"
	shared = "/tmp/rqd-lab-" + lab // The same directory on every node and here.
	cuebot = "cuebot"              // Where minicue serves, as the nodes know it.
)

// Labels by which containers are found.
const (
	labelRQD     = "org.rqdswarm.rqd"
	labelRole    = "org.rqdswarm.role"
	labelService = "com.docker.swarm.service.name"
)

// node is one engine of the lab.
type node struct {
	number int
	name   string
	client *engine.Client
	socket string
}

// farm is the lab as the tests see it.
type farm struct {
	root  string // Of the repository.
	nodes []*node
}

// TestMain makes the lab, and takes it away. With KEEP=1 it stays, and a later run uses it.
func TestMain(m *testing.M) {
	if address := os.Getenv(probeVariable); address != "" {
		probe(os.Stdout, address)
		return
	}
	code, err := withLab(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	if err := absences.write(os.Getenv("ABSENCES")); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// theFarm is set while the lab is up.
var theFarm *farm

func withLab(run func() int) (code int, err error) {
	count := 1
	if text := os.Getenv("NODES"); text != "" {
		if count, err = strconv.Atoi(text); err != nil || count < 1 {
			return 0, fmt.Errorf("NODES=%q: want a number of nodes, 1 or more", text)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return 0, err
	}
	f := &farm{root: root}
	keep := os.Getenv("KEEP") != ""
	if keep && f.lab("status").Run() == nil {
		fmt.Println("using the lab that is up")
	} else if err := errors.Join(loud(f.lab("down")), loud(f.lab("up", strconv.Itoa(count)))); err != nil { // A killed run leaves one.
		return 0, fmt.Errorf("lab.sh up: %w", err)
	}
	if !keep {
		defer func() { err = errors.Join(err, loud(f.lab("down"))) }()
	}
	images := []string{"rqd-supervisor:dev", "rqdcore:dev", "rqd-frame-busybox:dev"}
	if os.Getenv(updatesVariable) != "" {
		images = append(images, guideImage)
	}
	if err := loud(f.lab("load", images...)); err != nil {
		return 0, fmt.Errorf("lab.sh load: %w (make images builds them)", err)
	}
	for i := range count {
		n := &node{number: i + 1, name: fmt.Sprintf("lab%d", i+1)}
		out, err := f.lab("socket", strconv.Itoa(n.number)).Output()
		if err != nil {
			return 0, err
		}
		n.socket = "unix://" + strings.TrimSpace(string(out))
		if n.client, err = engine.Dial(context.Background(), engine.Options{Host: n.socket}); err != nil {
			return 0, fmt.Errorf("node %d: %w", n.number, err)
		}
		defer n.client.Close()
		f.nodes = append(f.nodes, n)
	}
	theFarm = f
	return run(), nil
}

func loud(cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func (f *farm) script(name string) string { return filepath.Join(f.root, "scripts", name) }

// lab returns a command about the lab.
func (f *farm) lab(what string, args ...string) *exec.Cmd {
	cmd := exec.Command(f.script("lab.sh"), append([]string{what}, args...)...)
	cmd.Env = append(os.Environ(), "RQD_LAB="+lab)
	return cmd
}

// manager is the environment of a command that talks to the Swarm, without what might change what it does.
func (f *farm) manager() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "DOCKER_HOST=" + f.nodes[0].socket}
}

// swarm runs one of the scripts for the service, and returns what it said.
func (f *farm) swarm(t *testing.T, what string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), f.script("swarm-"+what+".sh"), args...)
	cmd.Env = f.manager()
	started := time.Now()
	out, err := cmd.CombinedOutput()
	t.Logf("swarm-%s.sh %s: %.1f s, %v", what, strings.Join(args, " "), time.Since(started).Seconds(), err)
	return string(out), err
}

// must fails the test when one of the scripts does.
func (f *farm) must(t *testing.T, what string, args ...string) {
	t.Helper()
	if out, err := f.swarm(t, what, args...); err != nil {
		t.Fatalf("swarm-%s.sh %s: %v\n%s\n%s", what, strings.Join(args, " "), err, out, f.tasks(t))
	}
}

// docker runs a docker command against a node's engine.
func (n *node) docker(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", append([]string{"--host", n.socket}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: docker %s: %v\n%s", n.name, strings.Join(args, " "), err, errOut.String())
	}
	return strings.TrimSpace(out.String())
}

// build makes an image of a Dockerfile on every node.
func (f *farm) build(t *testing.T, ref, dockerfile string) {
	t.Helper()
	for _, n := range f.nodes {
		n.docker(t, dockerfile, "build", "--quiet", "--tag", ref, "-")
	}
}

// tasks tells how Swarm sees the services, for messages.
func (f *farm) tasks(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for name := range strings.FieldsSeq(f.nodes[0].docker(t, "", "service", "ls", "--format", "{{.Name}}")) {
		b.WriteString(f.nodes[0].docker(t, "", "service", "ps", "--no-trunc", "--format", "{{.Node}} {{.Image}} {{.DesiredState}} {{.CurrentState}} {{.Error}}", name) + "\n")
		cmd := exec.Command("docker", "--host", f.nodes[0].socket, "service", "logs", "--raw", "--tail", "30", name)
		out, _ := cmd.CombinedOutput() // For a person; what there is.
		b.Write(out)
	}
	return b.String()
}

// list returns the containers of a node with a label, in any state.
func (n *node) list(t *testing.T, key, value string) []engine.Container {
	t.Helper()
	found, err := n.client.List(context.WithoutCancel(t.Context()), map[string]string{key: value})
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	return found
}

// imageID is what a reference means on the node.
func (n *node) imageID(t *testing.T, ref string) string {
	t.Helper()
	image, err := n.client.Image(t.Context(), ref)
	if err != nil {
		t.Fatalf("%s: image %s: %v", n.name, ref, err)
	}
	return image.ID
}

// eventually polls until ok returns nil. The machine may be slow; a test that passes does not wait.
func eventually(t *testing.T, what string, within time.Duration, ok func() error) {
	t.Helper()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(within)
	for {
		err := ok()
		if err == nil {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		case <-deadline:
			t.Fatalf("not within %s: %s: %v\n%s", within, what, err, theFarm.tasks(t))
		case <-ticker.C:
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
