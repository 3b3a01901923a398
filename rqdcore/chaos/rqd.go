package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	// comeAgain is how soon RQD is started when it ended by itself, as a supervisor does.
	comeAgain = 300 * time.Millisecond
	// stopLimit is what RQD may take to end after SIGTERM.
	stopLimit = 15 * time.Second
	// youth is how long a process may take, on a busy machine, before it handles signals.
	youth = 5 * time.Second
)

// keeper keeps one rqdcore running, unless it is told not to.
type keeper interface {
	start() error
	stop(syscall.Signal) // Returns when it is gone.
	freeze(time.Duration)
	excuse(time.Duration) // For so long it may fail by itself: it lacks something that it needs.
	count() int           // Of starts.
}

// bare keeps rqdcore as a process: what is to hit a certain millisecond hits it here.
type bare struct {
	pardon

	binary, conf string
	env          []string
	output       *os.File
	books        *books
	stopped      func() // Called between one rqdcore and the next.

	control sync.Mutex // Held by those who start and stop.
	mu      sync.Mutex
	cmd     *exec.Cmd
	ended   chan struct{} // Closed when cmd has.
	wanted  bool
	began   time.Time
	starts  int
}

// start begins a rqdcore when none runs.
func (q *bare) start() error {
	q.control.Lock()
	defer q.control.Unlock()
	return q.launch()
}

func (q *bare) launch() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wanted = true
	if q.cmd != nil {
		return nil
	}
	cmd := exec.Command(q.binary, "-c", q.conf) // #nosec G204 -- our own binary.
	cmd.Stdout, cmd.Stderr, cmd.Env = q.output, q.output, q.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us: we stop it.
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start rqdcore: %w", err)
	}
	q.starts++
	q.began = time.Now()
	q.cmd, q.ended = cmd, make(chan struct{})
	go q.watch(cmd, q.ended)
	return nil
}

// watch waits for the end, and starts the next one when nobody wanted it.
func (q *bare) watch(cmd *exec.Cmd, ended chan struct{}) {
	err := cmd.Wait()
	q.stopped()
	q.mu.Lock()
	q.cmd = nil
	wanted, excused := q.wanted, q.isExcused()
	q.mu.Unlock()
	close(ended)
	if !wanted {
		return
	}
	if !excused {
		q.books.wrong("rqdcore ended by itself: %v", err)
	}
	time.Sleep(comeAgain)
	q.control.Lock()
	defer q.control.Unlock()
	q.mu.Lock()
	wanted = q.wanted
	q.mu.Unlock()
	if wanted {
		if err := q.launch(); err != nil {
			q.books.wrong("%v", err)
		}
	}
}

// stop ends rqdcore with a signal and returns when it is gone.
func (q *bare) stop(s syscall.Signal) {
	q.control.Lock()
	defer q.control.Unlock()
	q.mu.Lock()
	q.wanted = false
	cmd, ended := q.cmd, q.ended
	q.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(s) // It may have ended just now.
	select {
	case <-ended:
	case <-time.After(stopLimit):
		q.books.wrong("rqdcore did not end within %v of %v", stopLimit, s)
		_ = cmd.Process.Kill()
		<-ended
	}
	if s == syscall.SIGTERM && !q.isExcused() {
		q.checkExit(cmd.ProcessState)
	}
}

// checkExit wants code 0 after SIGTERM. A process that has hardly begun still dies of it.
func (q *bare) checkExit(state *os.ProcessState) {
	status, ok := state.Sys().(syscall.WaitStatus)
	young := time.Since(q.began) < youth
	if ok && (status.ExitStatus() == 0 || young && status.Signaled() && status.Signal() == syscall.SIGTERM) {
		return
	}
	q.books.wrong("rqdcore ended after SIGTERM with %v, want code 0", state)
}

// freeze stops rqdcore's clock for a while, as a suspended or overloaded host does.
func (q *bare) freeze(d time.Duration) {
	q.control.Lock()
	defer q.control.Unlock()
	q.mu.Lock()
	cmd := q.cmd
	q.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGSTOP) // It may have ended just now.
	time.Sleep(d)
	_ = cmd.Process.Signal(syscall.SIGCONT)
}

func (q *bare) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.starts
}
