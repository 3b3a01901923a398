package rqlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// maxHanging bounds the threads that one dead mount can hold; Go ends a process that has 10,000.
const maxHanging = 64

// ErrStalled means that a file system did not answer in time. The call goes on in the background.
var ErrStalled = errors.New("file system does not answer")

// Guard runs calls that may hang with their file system, for callers that must not. A call
// that hangs holds a thread until the file system answers, so only some may hang on one
// mount: from then on calls for that mount fail at once. Its methods may be called concurrently.
type Guard struct {
	wait    time.Duration
	mu      sync.Mutex
	hanging map[string]int // Calls given up but not yet back, by mount point.
}

// NewGuard gives each call at most wait.
func NewGuard(wait time.Duration) *Guard {
	return &Guard{wait: wait, hanging: map[string]int{}}
}

// Do runs fn, which works on path, and returns its error, or one that wraps ErrStalled after the
// guard's time, or when ctx ends.
func (g *Guard) Do(ctx context.Context, path string, fn func() error) error {
	_, err := guarded(ctx, g, path, call[struct{}]{func() (struct{}, error) { return struct{}{}, fn() }, func(struct{}) {}})
	return err
}

// Open is Do for Create and Reopen. A file that comes too late is closed.
func (g *Guard) Open(ctx context.Context, r Request, open func(Request) (*os.File, error)) (*os.File, error) {
	return guarded(ctx, g, r.Path, call[*os.File]{func() (*os.File, error) { return open(r) }, func(late *os.File) {
		_ = late.Close() // Nobody wrote to it; nil when the late call failed.
	}})
}

// call is what may hang, and what becomes of a result that nobody waits for any more.
type call[T any] struct {
	run  func() (T, error)
	late func(T)
}

func guarded[T any](ctx context.Context, g *Guard, path string, c call[T]) (T, error) {
	var none T
	if mount, full := g.full(path); full {
		return none, fmt.Errorf("%w: mount %s, %d earlier calls still hang", ErrStalled, mount, maxHanging)
	}
	type result struct {
		value T
		err   error
	}
	began := time.Now()
	done := make(chan result, 1)
	go func() {
		value, err := c.run()
		done <- result{value, err}
	}()
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
	case <-ctx.Done():
	}
	mount := mountOf(path)
	g.count(mount, 1)
	go func() {
		c.late((<-done).value)
		g.count(mount, -1)
	}()
	return none, fmt.Errorf("%w: mount %s, no answer within %s", ErrStalled, mount, time.Since(began).Round(time.Millisecond))
}

// full says whether the path's mount holds as many threads as it may.
func (g *Guard) full(path string) (mount string, full bool) {
	g.mu.Lock()
	idle := len(g.hanging) == 0
	g.mu.Unlock()
	if idle {
		return "", false
	}
	mount = mountOf(path)
	g.mu.Lock()
	defer g.mu.Unlock()
	return mount, g.hanging[mount] >= maxHanging
}

func (g *Guard) count(mount string, by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hanging[mount] += by; g.hanging[mount] == 0 {
		delete(g.hanging, mount)
	}
}

func mountOf(path string) string {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "/" // Without /proc all mounts share one bound.
	}
	return mountPoint(string(mountinfo), path)
}
