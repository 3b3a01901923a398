package engine

import (
	"errors"
	"fmt"
)

// Sentinels that callers branch on. The engine's own text stays in the wrapping error.
var (
	// ErrNotFound means that no such container, image or volume exists.
	ErrNotFound = errors.New("engine: not found")
	// ErrConflict means that the object is in a state that forbids the call: a name in use, a container already stopped or being removed.
	ErrConflict = errors.New("engine: conflict")
	// ErrRemoving means that the container is being removed already. It is an ErrConflict as well.
	ErrRemoving = fmt.Errorf("engine: being removed: %w", ErrConflict)
	// ErrInvalid means that the engine refuses the request as it stands; sending it again will not help.
	ErrInvalid = errors.New("engine: invalid request")
	// ErrUnauthorized means that a registry or the engine wants other credentials.
	ErrUnauthorized = errors.New("engine: unauthorized")
	// ErrUnavailable means that the engine did not answer; what was asked may have happened all the same.
	// From Pull it may also be the registry that did not.
	ErrUnavailable = errors.New("engine: unavailable")
)

// IsGone reports that a removal has nothing left to do: the container is not there, or goes already.
func IsGone(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrRemoving)
}
