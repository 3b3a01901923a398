package rpc

import (
	"context"

	"rqdswarm/rqdcore/frame"
)

// Frames is what the calls about frames need of the host. Errors wrap one of the
// sentinels of package frame; what is returned is the caller's to read and never changes.
type Frames interface {
	// Launch accepts the frame and returns: nil means reserved, durable, and that Cuebot will hear
	// how it ended. The same frame for the same resource is accepted again without effect.
	Launch(ctx context.Context, f frame.Frame) error
	// Kill makes sure that the frame dies and does not wait for it. frame.ErrNotRunning is proof that it is dead.
	Kill(ctx context.Context, frameID, message string) error
	// Running returns a frame between acceptance and proven end, frame.ErrNotRunning for any other.
	Running(frameID string) (frame.Running, error)
	// Snapshot is what the next host report would say.
	Snapshot() frame.HostReport
}

// Locks are the cores that an administrator takes away. All of them return at once and let
// the report to Cuebot follow.
type Locks interface {
	Lock(cores frame.CorePoints)
	LockAll()
	Unlock(cores frame.CorePoints)
	UnlockAll()
}

// Exits are the ways to end RQD. They only ask for it and return, so that the caller still
// gets its answer; an error wraps one of the sentinels of package frame. Frames run on.
type Exits interface {
	ShutdownNow() error
	ShutdownIdle() error
	RebootNow() error
	RebootIdle() error
}
