//go:build integration

package main_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"rqdswarm/rqdcore/minicue/farm"
)

// instant is a moment of a frame's life at which RQD is killed.
type instant struct {
	call   string // RQD's request to the engine has this in it; killed before it is passed on.
	after  bool   // Killed when the engine has answered it instead.
	file   string // A file of this pattern appears in the state directory.
	report bool   // Cuebot has heard of the end.
	early  bool   // Cuebot may not have its answer to LaunchFrame; then the frame is its own affair.
}

// TestKilledAtEveryInstant kills RQD at each step from LaunchFrame's answer to the delivery. The
// frame, which takes a moment, has run once then, or its completion says 256, and nothing is left.
func TestKilledAtEveryInstant(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]instant{
		"promise on the disk":    {file: "frames/*-*.json", early: true},
		"log opened":             {file: "../logs/*.rqlog"},
		"before create":          {call: "/containers/create"},
		"after create":           {call: "/containers/create", after: true},
		"before start":           {call: "/start HTTP"},
		"after start":            {call: "/start HTTP", after: true},
		"command runs":           {file: "../runs"},
		"completion is written":  {file: "outbox/*.json.tmp"},
		"completion on the disk": {file: "outbox/*[0-9].json"},
		"completion delivered":   {report: true},
		"before removal":         {call: "DELETE /v"},
		"after removal":          {call: "DELETE /v", after: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := closedStudio(t, "")
			h := &hunter{instant: at, dir: filepath.Join(s.dir, "state"), done: make(chan struct{})}
			s.env = []string{"DOCKER_HOST=" + intercept(t, s.docker.Host(), h.join)}
			s.start()
			_ = s.report()
			h.aim(s.rqd.Process)
			job := s.submit(farm.Job{Command: "echo ran >> " + filepath.Join(s.dir, "runs") + "; sleep 0.3; exit 5", MaxRuns: 1})
			if at.report {
				s.until(job, "ended", func(f farm.FrameView) bool { return f.Status >= 0 })
				h.kill()
			}
			select {
			case <-h.done:
			case <-time.After(patience):
				t.Fatal("RQD never came to this instant")
			}
			_ = s.rqd.Wait()
			s.start()
			f := s.finish(job)[0]
			runs, _ := os.ReadFile(filepath.Join(s.dir, "runs"))
			n := bytes.Count(runs, []byte("ran"))
			if ok := n == 1 && f.Status == 5 || n == 0 && (f.Status == 256 || at.early && f.Status == unanswered); !ok {
				t.Errorf("ran %d times with status %d, want once with 5, or not at all and 256", n, f.Status)
			}
			if !await(func() bool { r := s.report(); return len(r.Frames) == 0 && r.CoreInfo.IdleCores == 800 }) {
				t.Errorf("have %v, want nothing booked", s.report())
			}
			if !await(func() bool { return len(h.documents()) == 0 }) {
				t.Errorf("state directory has %v, want no document", h.documents())
			}
		})
	}
}

// unanswered is what Cuebot writes down for a frame whose launch failed.
const unanswered = 299

// hunter waits for the instant.
type hunter struct {
	instant
	dir  string
	done chan struct{}

	mu   sync.Mutex
	prey *os.Process // Nil while nobody is hunted.
}

// aim begins the hunt.
func (h *hunter) aim(p *os.Process) {
	h.mu.Lock()
	h.prey = p
	h.mu.Unlock()
	go func() {
		for h.file != "" && !h.killed() {
			if found, _ := filepath.Glob(filepath.Join(h.dir, h.file)); len(found) > 0 {
				h.kill()
			}
		}
	}()
}

func (h *hunter) killed() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// kill kills once.
func (h *hunter) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.prey != nil {
		_ = h.prey.Signal(syscall.SIGKILL)
		h.prey = nil
		close(h.done)
	}
}

// join carries one connection. A request that is not to be passed on ends with its caller.
func (h *hunter) join(caller net.Conn, path string) {
	defer caller.Close()
	docker, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	defer docker.Close()
	seen := make(chan struct{})
	go func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := docker.Read(buffer)
			select {
			case <-seen:
				h.kill()
			default:
			}
			if n > 0 {
				_, _ = caller.Write(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	buffer, asked := make([]byte, 32<<10), false
	for {
		n, err := caller.Read(buffer)
		if h.call != "" && !h.killed() && h.hunting() && bytes.Contains(buffer[:n], []byte(h.call)) {
			if !h.after {
				h.kill()
				return
			}
			if !asked {
				asked = true
				close(seen)
			}
		}
		if _, failed := docker.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

func (h *hunter) hunting() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.prey != nil
}

// documents are what the journal and the outbox have.
func (h *hunter) documents() []string {
	var all []string
	for _, dir := range []string{"frames", "outbox"} {
		list, _ := filepath.Glob(filepath.Join(h.dir, dir, "*"))
		all = append(all, list...)
	}
	return all
}
