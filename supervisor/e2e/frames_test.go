//go:build swarm

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// minicue returns a command of minicue on the lab's wire.
func (f *farm) minicue(t *testing.T, args ...string) *exec.Cmd {
	return exec.CommandContext(t.Context(), "nsenter", append([]string{"--net=" + netns(0), filepath.Join(f.root, "bin/minicue")}, args...)...)
}

// serve runs minicue for the length of the test.
func (f *farm) serve(t *testing.T) {
	t.Helper()
	cmd := f.minicue(t, "serve", "--log-level", "debug")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // The test's context has ended it.
		if t.Failed() {
			t.Logf("minicue:\n%s", log.Bytes()[max(0, log.Len()-8000):])
		}
	})
	eventually(t, "minicue answers", 10*time.Second, func() error { return f.minicue(t, "hosts").Run() })
}

// hosts waits until all nodes have reported to minicue.
func (f *farm) hosts(t *testing.T) {
	t.Helper()
	out, err := f.minicue(t, "wait", "--hosts", fmt.Sprint(len(f.nodes)), "--os", "busybox", "--timeout", "60s").CombinedOutput()
	if err != nil {
		t.Fatalf("not all hosts report: %v\n%s", err, out)
	}
}

// frameView is what minicue tells of a frame.
type frameView struct {
	Name  string `json:"name"`
	Job   string `json:"job"`
	State string `json:"state"`
	Host  string `json:"host"`
	Runs  int    `json:"runs"` // That are over.
	Log   string `json:"log"`
}

// job are frames that write lines until they are told to stop.
type job struct {
	farm   *farm
	name   string
	count  int
	stop   string // The file that stops them.
	cmd    *exec.Cmd
	output bytes.Buffer
	ids    []string // Of their containers.
}

// submit starts count frames, spread over all nodes, and waits until each has begun to write.
func (f *farm) submit(t *testing.T, name string, count int) *job {
	t.Helper()
	logs := filepath.Join(shared, "logs", name)
	if err := os.MkdirAll(logs, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(logs, 0o777); err != nil {
		t.Fatal(err)
	}
	j := &job{farm: f, name: name, count: count, stop: filepath.Join(shared, fmt.Sprintf("stop-%s-%d", name, os.Getpid()))}
	command := fmt.Sprintf(`n=0; until [ -e %s ]; do n=$((n+1)); echo "line $n"; sleep 0.5; done; echo "lines $n"`, j.stop)
	// All of them together fill the nodes, so that each gets some.
	cores := float64(f.cores(t)) * float64(len(f.nodes)) / float64(count) / 100 * 0.95
	j.cmd = f.minicue(t, "run", "--os", "busybox", "--range", fmt.Sprintf("1-%d", count), "--cores", fmt.Sprintf("%.2f", min(cores, 1)),
		"--memory", "64m", "--job", name, "--log-dir", logs, "--no-log", "--", command)
	j.cmd.Stdout, j.cmd.Stderr = &j.output, &j.output
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all frames write", 2*time.Minute, func() error {
		views := j.views(t)
		if len(views) != count {
			return fmt.Errorf("%d of %d frames: %s", len(views), count, j.output.String())
		}
		for _, v := range views {
			log, err := os.ReadFile(v.Log)
			if err != nil || !bytes.Contains(log, []byte("\nline 1\n")) {
				return fmt.Errorf("frame %s is %s and has written nothing", v.Name, v.State)
			}
		}
		return nil
	})
	j.ids = j.containers(t)
	return j
}

// removeFrames removes what an earlier run left, or a failed one.
func (f *farm) removeFrames(t *testing.T) {
	t.Helper()
	for _, n := range f.nodes {
		for id := range strings.FieldsSeq(n.docker(t, "", "ps", "--all", "--quiet", "--filter", "label="+labelRole+"=frame")) {
			n.docker(t, "", "rm", "--force", "--volumes", id)
		}
	}
}

// cores is what one host offers, in points.
func (f *farm) cores(t *testing.T) int {
	t.Helper()
	out, err := f.minicue(t, "hosts", "--json").Output()
	var hosts []struct {
		Cores int `json:"cores"`
	}
	if err = errors.Join(err, json.Unmarshal(out, &hosts)); err != nil || len(hosts) == 0 {
		t.Fatalf("hosts: %v", err)
	}
	return hosts[0].Cores
}

// views is what minicue knows of the job's frames.
func (j *job) views(t *testing.T) []frameView {
	t.Helper()
	out, err := j.farm.minicue(t, "frames", "--json").Output()
	if err != nil {
		t.Fatalf("minicue frames: %v", err)
	}
	var all []frameView
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(v frameView) bool { return !strings.HasSuffix(v.Job, "_"+j.name) })
}

// containers are the ids of all frames' containers that run, sorted.
func (j *job) containers(t *testing.T) []string {
	t.Helper()
	var ids []string
	for _, n := range j.farm.nodes {
		for _, c := range n.list(t, labelRole, "frame") {
			if c.State == engine.StateRunning {
				ids = append(ids, c.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// runsOn says that every frame still is the one that was started.
func (j *job) runsOn(t *testing.T) {
	t.Helper()
	if have := j.containers(t); !slices.Equal(have, j.ids) {
		t.Errorf("want the %d containers of the frames as they were, have %d, %d of them others", len(j.ids), len(have),
			len(slices.DeleteFunc(slices.Clone(have), func(id string) bool { return slices.Contains(j.ids, id) })))
	}
	for _, v := range j.views(t) {
		if v.State != "RUNNING" || v.Runs != 0 {
			t.Errorf("frame %s: want it running for the first time, have %s after %d runs", v.Name, v.State, v.Runs)
		}
	}
}

// completes stops the frames and checks that each succeeded at its first run and that its log is whole.
func (j *job) completes(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(j.stop, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("minicue run: %v\n%s", err, j.output.String())
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("frames do not complete: %+v", j.views(t))
	}
	lines, busy := 0, map[string]int{}
	for _, v := range j.views(t) {
		if v.State != "SUCCEEDED" || v.Runs != 1 {
			t.Errorf("frame %s: want it succeeded at its first run, have %s, run %d", v.Name, v.State, v.Runs)
		}
		busy[v.Host]++
		n, err := whole(v.Log)
		if err != nil {
			t.Errorf("%s: %v", v.Log, err)
		}
		lines += n
	}
	t.Logf("%d frames on %d hosts completed with %d lines, each once and in order", j.count, len(busy), lines)
	if len(busy) != len(j.farm.nodes) {
		t.Errorf("want frames on all %d hosts, have them on %v", len(j.farm.nodes), busy)
	}
	eventually(t, "no frame's container is left", time.Minute, func() error {
		for _, n := range j.farm.nodes {
			if left := n.list(t, labelRole, "frame"); len(left) > 0 {
				return fmt.Errorf("%s has %d", n.name, len(left))
			}
		}
		return nil
	})
}

// whole says whether a frame's log has every line once, in order, and its footer. It returns their number.
func whole(path string) (int, error) {
	log, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	n, said := 0, -1
	for line := range strings.Lines(string(log)) {
		var k int
		switch {
		case strings.HasPrefix(line, "line "):
			if _, err := fmt.Sscanf(line, "line %d\n", &k); err != nil || k != n+1 {
				return n, fmt.Errorf("want line %d, have %q", n+1, line)
			}
			n = k
		case strings.HasPrefix(line, "lines "):
			if _, err := fmt.Sscanf(line, "lines %d\n", &said); err != nil || said != n {
				return n, fmt.Errorf("want %d lines, it says %q", n, line)
			}
		}
	}
	if said < 0 {
		return n, fmt.Errorf("cut off after line %d", n)
	}
	if !bytes.Contains(log, []byte("\nexitStatus ")) {
		return n, errors.New("no footer")
	}
	return n, nil
}
