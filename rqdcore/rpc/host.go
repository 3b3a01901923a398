package rpc

import (
	"context"

	"rqdswarm/rqdcore/frame"
)

// Frames is what the calls about frames need of *host.Host. Errors wrap one of the
// sentinels of package frame; what is returned is the caller's to read and never changes.
type Frames interface {
	// Launch accepts the frame and returns: nil means reserved, durable, and that Cuebot will hear
	// how it ended. The same frame for the same resource is accepted again without effect.
	Launch(ctx context.Context, f frame.Frame) error
	// Kill makes sure that the frame dies and does not wait for it. frame.ErrNotRunning is proof that it is dead.
	Kill(frameID, message string) error
	// Running returns a frame between acceptance and proven end, frame.ErrNotRunning for any other.
	Running(frameID string) (frame.Running, error)
	// Report is what the next host report would say.
	Report() frame.HostReport
}

// Locks are the cores that an administrator takes away from Cuebot. All calls return at once;
// the report to Cuebot follows by itself.
type Locks interface {
	Lock(cores frame.CorePoints)
	LockAll()
	Unlock(cores frame.CorePoints)
	UnlockAll()
}

// Exits are the ways to end RQD. Frames run on. Both return at once: RQD ends after the caller has its answer.
type Exits interface {
	Shutdown()
	// ShutdownWhenIdle locks the host and ends RQD when its last frame has ended.
	ShutdownWhenIdle()
}
