package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// RQD starts and ends the RQD under test.
type RQD interface {
	// Start starts it with the configuration file; it may still be on its way when Start returns.
	Start(config string, env ...string) error
	// Terminate is SIGTERM, and waits for the end.
	Terminate() (exitCode int, err error)
	// Kill is SIGKILL, and waits for the end.
	Kill() error
	// Ended says whether it ended, and with what; ok is false for an RQD that only its commands know.
	Ended() (exitCode int, ended, ok bool)
	// Said is what it wrote to its console.
	Said() string
}

// stopTime bounds how long an RQD may take to end.
const stopTime = 30 * time.Second

// process is an RQD that is a child of ours.
type process struct {
	binary string
	cmd    *exec.Cmd
	ended  chan struct{}
	output output
}

func (p *process) Start(config string, env ...string) error {
	p.cmd = exec.Command(p.binary, "-c", config) // #nosec G204 -- the RQD under test.
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return fmt.Errorf("start %s: %w", p.binary, err)
	}
	p.ended = make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // Its code is in ProcessState.
		close(p.ended)
	}()
	return nil
}

func (p *process) Terminate() (int, error) {
	if p.cmd == nil {
		return 0, nil
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		return -1, err
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

func (p *process) Kill() error { return p.signal(syscall.SIGKILL) }

func (p *process) signal(s syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v: %w", s, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("it did not end within %v of %v", stopTime, s)
	}
}

func (p *process) Ended() (int, bool, bool) {
	if p.cmd == nil {
		return 0, true, true
	}
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), true, true
	default:
		return 0, false, true
	}
}

func (p *process) Said() string { return p.output.String() }

// output collects what a process says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// commands is an RQD that somebody else's commands start and end.
type commands struct {
	start, stop, kill string
	said              output
}

func (c *commands) Start(config string, env ...string) error {
	return c.run(c.start, append(env, "RQD_CONFIG_FILE="+config)...)
}

func (c *commands) Terminate() (int, error) { return 0, c.run(c.stop) }

func (c *commands) Kill() error { return c.run(c.kill) }

func (c *commands) Ended() (int, bool, bool) { return 0, false, false }

func (c *commands) Said() string { return c.said.String() }

func (c *commands) run(line string, env ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*stopTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line) // #nosec G204 -- the caller's own command.
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = time.Second // A command may leave RQD behind with our pipe.
	out, err := cmd.CombinedOutput()
	_, _ = c.said.Write(out)
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
	}
	return nil
}
