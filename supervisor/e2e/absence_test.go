//go:build swarm

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// probeVariable makes the test binary a probe of an address. It is started in the node's network.
const probeVariable = "RQD_E2E_PROBE"

// probeInterval is how finely absence is measured.
const probeInterval = 20 * time.Millisecond

// probe prints a line for each time the address begins or ceases to take connections, until it is killed.
func probe(w io.Writer, address string) {
	was := "unknown"
	for tick := time.Tick(probeInterval); ; <-tick {
		now := "up"
		asked := time.Now()
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			now = "down"
		} else {
			_ = c.Close()
		}
		if now != was {
			fmt.Fprintln(w, now, asked.UnixNano())
			was = now
		}
	}
}

// watcher knows since when RQD's port on a node has been open or closed.
type watcher struct {
	node *node

	mu      sync.Mutex
	changes []change
}

type change struct {
	up bool
	at time.Time
}

// watch starts a probe of RQD's port in each node's network.
func (f *farm) watch(t *testing.T) []*watcher {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var watchers []*watcher
	for _, n := range f.nodes {
		w := &watcher{node: n}
		cmd := exec.CommandContext(t.Context(), "nsenter", "--net="+netns(n.number), self)
		cmd.Env = append(os.Environ(), probeVariable+"=127.0.0.1:8444")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.read(out)
		}()
		t.Cleanup(func() {
			<-done // The test's context has ended the probe.
			_ = cmd.Wait()
		})
		watchers = append(watchers, w)
	}
	return watchers
}

func netns(node int) string {
	if node == 0 {
		return "/run/netns/rqdlab-" + lab
	}
	return fmt.Sprintf("/run/netns/rqdlab-%s-%d", lab, node)
}

func (w *watcher) read(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		state, text, _ := strings.Cut(s.Text(), " ")
		nanoseconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			continue
		}
		w.mu.Lock()
		w.changes = append(w.changes, change{up: state == "up", at: time.Unix(0, nanoseconds)})
		w.mu.Unlock()
	}
}

// absent returns the times for which the port was closed between from and to.
func (w *watcher) absent(from, to time.Time) []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var gaps []time.Duration
	for i, c := range w.changes {
		end := to
		if i+1 < len(w.changes) {
			end = w.changes[i+1].at
		}
		begin := c.at
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if !c.up && end.After(begin) {
			gaps = append(gaps, end.Sub(begin))
		}
	}
	return gaps
}

// report is the table that is printed at the end: how long RQD was away, by update and node.
type report struct {
	mu   sync.Mutex
	rows []string
}

var absences report

// measure runs an update and notes how long RQD was absent on each node meanwhile.
func measure(t *testing.T, what string, watchers []*watcher, update func()) {
	t.Helper()
	from := time.Now()
	update()
	to := time.Now()
	for _, w := range watchers {
		sum, gaps := w.sum(from, to), w.absent(from, to)
		row := fmt.Sprintf("%-46s %-6s %7.2f s in %d gaps", what, w.node.name, sum.Seconds(), len(gaps))
		t.Log("RQD absent: " + row)
		absences.mu.Lock()
		absences.rows = append(absences.rows, row)
		absences.mu.Unlock()
	}
}

// write prints the table, or puts it into a file where the test's own output is not for reading.
func (r *report) write(path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 {
		return nil
	}
	table := "\nHow long RQD's port was closed:\n  " + strings.Join(r.rows, "\n  ") + "\n\n"
	if path == "" {
		_, err := fmt.Print(table)
		return err
	}
	return os.WriteFile(path, []byte(table), 0o644)
}
