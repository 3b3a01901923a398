package frame

import "errors"

// Why a call about a frame or the host is refused. The wrapping error names the thing and
// the value; rpc maps each of these to one gRPC status code.
var (
	// ErrInvalid is an order that no host could carry out.
	ErrInvalid = errors.New("invalid")
	// ErrDuplicate is a frame that already runs here for another resource, or is being killed.
	ErrDuplicate = errors.New("already running")
	// ErrNoResources is a lack of idle cores, threads or GPUs.
	ErrNoResources = errors.New("not enough resources")
	// ErrRefused is a host that takes no frames now: down, draining or locked by nimby.
	ErrRefused = errors.New("host takes no frames")
	// ErrUnavailable is an outcome that cannot be promised now: the engine or the state volume does not answer.
	ErrUnavailable = errors.New("unavailable")
	// ErrNotRunning is proof: the frame has no process on this host and will not get one.
	ErrNotRunning = errors.New("not running")
)
