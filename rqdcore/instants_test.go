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

	"golang.org/x/sys/unix"

	"rqdswarm/rqdcore/minicue/farm"
)

// instant is a moment of a frame's life at which RQD is killed.
type instant struct {
	call   string // RQD's request to the engine has this in it; killed before it is passed on.
	after  bool   // Killed when the engine has answered it instead.
	dir    string // This happens in that directory of the studio, the first time.
	event  uint32
	report bool // Cuebot has heard of the end.
	early  bool // Cuebot may not have its answer to LaunchFrame; then the frame is its own affair.
}

// TestKilledAtEveryInstant kills RQD at each step from LaunchFrame's answer to the delivery. The
// frame, which takes a moment, has run once then, or its completion says 256, and nothing is left.
func TestKilledAtEveryInstant(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]instant{
		"promise on the disk":    {dir: "state/frames", event: unix.IN_MOVED_TO, early: true},
		"log opened":             {dir: "logs", event: unix.IN_CREATE, early: true},
		"before create":          {call: "/containers/create"},
		"after create":           {call: "/containers/create", after: true},
		"before start":           {call: "/start HTTP"},
		"after start":            {call: "/start HTTP", after: true},
		"command runs":           {dir: "runs", event: unix.IN_CREATE},
		"completion is written":  {dir: "state/outbox", event: unix.IN_CREATE},
		"completion on the disk": {dir: "state/outbox", event: unix.IN_MOVED_TO},
		"completion delivered":   {report: true},
		"before removal":         {call: "DELETE /v"},
		"after removal":          {call: "DELETE /v", after: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := closedStudio(t, "")
			for _, dir := range []string{"logs", "runs"} {
				if err := os.Mkdir(filepath.Join(s.dir, dir), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(filepath.Join(s.dir, dir), 0o777); err != nil { // #nosec G302 -- artists write there; the umask took that.
					t.Fatal(err)
				}
			}
			h := &hunter{instant: at, studio: s.dir, done: make(chan struct{})}
			s.intercept(h.join)
			s.start()
			_ = s.report()
			h.aim(t, s.rqd.Process)
			job := s.submit(farm.Job{Command: "echo ran >> " + filepath.Join(s.dir, "runs/run") + "; sleep 0.3; exit 5", MaxRuns: 1})
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
			runs, _ := os.ReadFile(filepath.Join(s.dir, "runs/run"))
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
	studio string
	done   chan struct{}

	mu   sync.Mutex
	prey *os.Process // Nil while nobody is hunted.
}

// aim begins the hunt.
func (h *hunter) aim(t *testing.T, p *os.Process) {
	t.Helper()
	h.mu.Lock()
	h.prey = p
	h.mu.Unlock()
	if h.dir == "" {
		return
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	watch := os.NewFile(uintptr(fd), "inotify") // #nosec G115 -- the kernel's own number.
	t.Cleanup(func() { _ = watch.Close() })
	if _, err := unix.InotifyAddWatch(fd, filepath.Join(h.studio, h.dir), h.event); err != nil {
		t.Fatal(err)
	}
	go func() {
		if _, err := watch.Read(make([]byte, 4096)); err == nil { // Whatever the first one is, the instant has come.
			h.kill()
		}
	}()
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
		if h.call != "" && h.hunting() && bytes.Contains(buffer[:n], []byte(h.call)) {
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
		list, _ := filepath.Glob(filepath.Join(h.studio, "state", dir, "*"))
		all = append(all, list...)
	}
	return all
}
