package host

import (
	"context"
	"fmt"
	"sync"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/runner"
)

// entry is one frame in the table, and afterwards, while its completion is written, among the settling.
type entry struct {
	job      *runner.Job
	promised chan struct{} // Closed once refused is decided.
	refused  error         // Why the promise could not be kept; read after promised is closed.
	settled  chan struct{} // Closed when nothing of this run is left to write.
	document document
	over     bool // Adopted after its end: nothing is left but to forget it.
}

func newEntry(job *runner.Job) *entry {
	return &entry{job: job, promised: make(chan struct{}), settled: make(chan struct{})}
}

func (e *entry) frame() frame.Frame { return e.job.Promise().Frame }

// awaitPromise answers a repeated launch: as the first one was answered.
func (e *entry) awaitPromise(ctx context.Context) error {
	select {
	case <-e.promised:
		return e.refused
	case <-ctx.Done():
		return fmt.Errorf("%w: frame %s is still being accepted", frame.ErrUnavailable, e.frame().ID)
	}
}

// document is the entry's file in the journal. The lock keeps a late kill from writing it again after its end.
type document struct {
	mu   sync.Mutex
	gone bool
}

func (d *document) put(j Journal, p runner.Promise) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return nil
	}
	return j.Put(p.Frame.ID, p)
}

func (d *document) delete(j Journal, frameID string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	return j.Delete(frameID)
}
