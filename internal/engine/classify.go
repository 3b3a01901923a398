package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
)

// classified is an engine's error with the sentinel it amounts to. Its text is the engine's own.
type classified struct {
	error
	class error
}

func (e *classified) Unwrap() []error { return []error{e.error, e.class} }

func as(class, err error) error { return &classified{error: err, class: class} }

// classify wraps err with the call's verb phrase and gives it the sentinel callers branch on.
// It returns nil for nil, so that a method can end in it.
func classify(verb string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", verb, err)
	if class := classOf(err); class != nil {
		return as(class, wrapped)
	}
	return wrapped
}

// classOf maps an error of the engine's client to a sentinel, or to nil when it is the
// engine's internal failure or the caller's own cancellation.
func classOf(err error) error {
	var netErr net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return ErrUnavailable
	case errdefs.IsNotFound(err):
		return ErrNotFound
	case errdefs.IsConflict(err):
		return ErrConflict
	case errdefs.IsInvalidArgument(err):
		return ErrInvalid
	case errdefs.IsUnauthorized(err), errdefs.IsPermissionDenied(err):
		return ErrUnauthorized
	case errdefs.IsUnavailable(err), client.IsErrConnectionFailed(err):
		return ErrUnavailable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &netErr):
		return ErrUnavailable
	}
	return nil
}
