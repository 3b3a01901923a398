package enginetest

import (
	"fmt"
	"slices"

	"rqdswarm/internal/engine"
)

// fault is one injected failure.
type fault struct {
	err   error
	after bool
}

// Fail makes the next call of the method return err and do nothing else. Several failures of a
// method queue up. It panics for a method that no engine has.
func (f *Fake) Fail(method string, err error) { f.inject(method, fault{err: err}) }

// FailAfter makes the next call of the method do its work and return err all the same, as when the
// answer is lost.
func (f *Fake) FailAfter(method string, err error) { f.inject(method, fault{err: err, after: true}) }

func (f *Fake) inject(method string, fail fault) {
	known := []string{
		"Create", "Start", "Signal", "Stop", "Remove", "Rename", "List", "Inspect", "CopyTo", "Logs",
		"Events", "Image", "Pull", "RemoveImage", "Ping", "Info", "VolumeInspect", "VolumeRemove",
	}
	if !slices.Contains(known, method) {
		panic(fmt.Sprintf("enginetest: no method %q to fail; an engine has %v", method, known))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[method] = append(f.faults[method], fail)
}

func (f *Fake) takeFault(method string) fault {
	queue := f.faults[method]
	if len(queue) == 0 {
		return fault{}
	}
	f.faults[method] = queue[1:]
	return queue[0]
}

// GoDown makes every call fail with ErrUnavailable and breaks all streams, as a daemon does that is
// restarted. Containers run on.
func (f *Fake) GoDown() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = true
	for s := range f.subs {
		f.endSubscription(s, fmt.Errorf("follow events: fake engine went down: %w", engine.ErrUnavailable))
	}
	for _, c := range f.containers {
		c.wake()
	}
}

// ComeUp ends what GoDown began.
func (f *Fake) ComeUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = false
}
