package main

import "syscall"

// wAll also waits for children that were made by clone without a signal (__WALL).
const wAll = 0x40000000

// reap collects every child, of the command or orphaned by it, and says when none is left.
// It starts when there is one.
func reap(events chan<- event) {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, wAll, &usage)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			events <- childless{}
			return
		case status.Exited() || status.Signaled():
			events <- reaped{pid: pid, status: status, usage: usage}
		}
	}
}

// exitOf is how a process ended: one of code and signal is 0.
func exitOf(status syscall.WaitStatus) (code, signal int) {
	if status.Signaled() {
		return 0, int(status.Signal())
	}
	return status.ExitStatus(), 0
}
