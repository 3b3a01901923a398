package engine

import "errors"

// Sentinels that callers branch on. The engine's own text stays in the wrapping error.
var (
	// ErrNotFound means that no such container, image or volume exists.
	ErrNotFound = errors.New("engine: not found")
	// ErrConflict means that the object is in a state that forbids the call: a name in use, a container already stopped or being removed.
	ErrConflict = errors.New("engine: conflict")
	// ErrInvalid means that the engine refuses the request as it stands; sending it again will not help.
	ErrInvalid = errors.New("engine: invalid request")
	// ErrUnauthorized means that a registry or the engine wants other credentials.
	ErrUnauthorized = errors.New("engine: unauthorized")
	// ErrUnavailable means that the engine did not answer; what was asked may have happened all the same.
	ErrUnavailable = errors.New("engine: unavailable")
)
