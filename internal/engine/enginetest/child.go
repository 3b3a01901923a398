package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// childEnd is what a child gets to end; a daemon with containers to stop needs a while.
const childEnd = time.Minute

// child is a process that ends with this one.
type child struct {
	process *os.Process
	ended   chan struct{} // Closed when it has ended.
	output  *tail
}

// spawn starts a program, in new namespaces of the given kinds (CLONE_NEWNET, …). The kernel ends it when the thread that started it ends, so that thread is kept.
func spawn(namespaces uintptr, program string, args ...string) (*child, error) {
	cmd := exec.Command(program, args...) // #nosec G204 -- nothing of it is anybody's input.
	c := &child{ended: make(chan struct{}), output: new(tail)}
	cmd.Stdout, cmd.Stderr = c.output, c.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM, Cloneflags: namespaces}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // How it ends is its user's doing.
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	c.process = cmd.Process
	return c, nil
}

// end sends a signal that ends it and waits until it did; a child that is nil or over is no error.
func (c *child) end(s syscall.Signal) error {
	if !c.running() {
		return nil
	}
	if err := c.process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.ended:
		return nil
	case <-time.After(childEnd):
		return fmt.Errorf("process %d outlives signal %v:\n%s", c.process.Pid, s, c.output)
	}
}

// freeze returns when each of its threads has stopped: one that runs could still answer.
func (c *child) freeze() error {
	if err := c.process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		err := unix.Waitid(unix.P_PID, c.process.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (c *child) running() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// tail keeps what a process said last, which says what went wrong.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const enough = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = bytes.Clone(t.text[max(0, len(t.text)-enough):])
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
