package main

import (
	"syscall"

	"rqdswarm/internal/wire"
)

// event is something that happened outside of the goroutine that owns the frame. It is one of
// the types below.
type event any

// Of the connection to rqdcore.
type (
	connected struct{ conn peer }
	received  struct {
		conn peer
		m    wire.Message
		file int // The descriptor that came with m; -1 when none did.
	}
	disconnected struct{ conn peer }
)

// Of the command and what it started.
type (
	started struct {
		pid int
		err error // Why it was not started; made for the artist to read.
	}
	reaped struct {
		pid    int
		status syscall.WaitStatus
		usage  syscall.Rusage
	}
	childless struct{} // No child is left.
	listed    struct{ list processList }
)

// Of the log.
type (
	logLimited struct{ detail string }
	logStale   struct{ reason string }
	logDone    struct{ err error } // The last byte is written.
)

// signalled is a SIGTERM or SIGINT to frameinit itself.
type signalled struct{ signal syscall.Signal }
