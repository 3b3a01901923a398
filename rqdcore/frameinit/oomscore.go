package main

import (
	"strconv"
	"strings"
	"syscall"
)

const (
	// oomMargin is how much sooner than frameinit the kernel kills what the command runs: in thousandths of the memory
	// limit, which a process is taken to have more. In the smallest frames frameinit itself has a tenth of it.
	oomMargin  = 200
	oomHighest = 1000 // OOM_SCORE_ADJ_MAX.
)

// oomScore is frameinit's own oom_score_adj (proc_pid_oom_score_adj(5)); what it starts inherits it. Without it the kernel
// may take process 1 for the largest one, and a frame out of memory would end without a record.
type oomScore struct{ fd, own int }

// openOOMScore comes before frameinit becomes the artist, whose processes cannot open what is in /proc of it.
func openOOMScore() oomScore {
	fd, err := syscall.Open("/proc/self/oom_score_adj", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return oomScore{fd: -1} // Without /proc, or read-only: the command runs all the same.
	}
	var buf [16]byte
	n, _ := syscall.Read(fd, buf[:])
	own, err := strconv.Atoi(strings.TrimSpace(string(buf[:max(n, 0)])))
	if err != nil {
		_ = syscall.Close(fd)
		return oomScore{fd: -1}
	}
	return oomScore{fd: fd, own: own}
}

// forCommand is frameinit's score while the command is started. To go back to its own needs no capability.
func (s oomScore) forCommand() { s.set(min(s.own+oomMargin, oomHighest)) }

func (s oomScore) forFrameinit() { s.set(s.own) }

func (s oomScore) set(score int) {
	if s.fd >= 0 {
		_, _ = syscall.Pwrite(s.fd, strconv.AppendInt(nil, int64(score), 10), 0)
	}
}

func (s oomScore) close() {
	if s.fd >= 0 {
		_ = syscall.Close(s.fd)
	}
}
