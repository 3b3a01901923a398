package suite

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Check is one promise that an RQD has to keep.
type Check struct {
	Number int
	Name   string
	// Setup is what the RQD is started with. An RQD that is not ours is taken as it is if there is nothing special in it.
	Setup Setup
	// Restarts says that the check starts and ends RQD itself.
	Restarts bool
	// Long checks start first, so that the others fill the time.
	Long bool
	Run  func(*Stage)
}

// Outcome is what became of a check.
type Outcome struct {
	Check   Check
	Skipped string   // Why it was not made.
	Failed  []string // What was seen, and what was expected.
	Notes   []string // Parts of it that could not be made here.
	Took    time.Duration
}

// verdict collects what one check finds. Its methods may be called from several goroutines,
// but for those that end the check.
type verdict struct {
	ctx context.Context

	mu       sync.Mutex
	skipped  string
	failed   []string
	notes    []string
	cleanups []func()
}

// maxFailures is how many findings of one check are printed: the first ones tell the story.
const maxFailures = 8

// Errorf notes that the RQD does not keep its promise, and goes on.
func (v *verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if text := fmt.Sprintf(format, args...); len(v.failed) < maxFailures && !slices.Contains(v.failed, text) {
		v.failed = append(v.failed, text)
	}
}

// Fatalf is Errorf and ends the check.
func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	runtime.Goexit()
}

// Skipf ends a check that cannot be made here.
func (v *verdict) Skipf(format string, args ...any) {
	v.mu.Lock()
	v.skipped = fmt.Sprintf(format, args...)
	v.mu.Unlock()
	runtime.Goexit()
}

// Notef tells of a part that cannot be made here.
func (v *verdict) Notef(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// Cleanup is called when the check is over, the last one first.
func (v *verdict) Cleanup(fn func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cleanups = append(v.cleanups, fn)
}

func (v *verdict) hasFailed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.failed) > 0
}

// sleep waits, and ends the check when the suite is ended.
func (v *verdict) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-v.ctx.Done():
		v.Fatalf("ended: %v", context.Cause(v.ctx))
	}
}

// poll asks again and again until is says yes or the time is over.
func (v *verdict) poll(within time.Duration, is func() bool) bool {
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if is() {
			return true
		}
		select {
		case <-time.After(pause):
		case <-v.ctx.Done():
			return false
		}
	}
	return is()
}

// perform runs one function of a check on a goroutine of its own, which Fatalf and Skipf may end.
func (v *verdict) perform(fn func()) {
	var done sync.WaitGroup
	done.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				stack := make([]byte, 4<<10)
				v.Errorf("the check itself panicked: %v\n%s", p, stack[:runtime.Stack(stack, false)])
			}
		}()
		fn()
	})
	done.Wait()
}

// cleanUp calls what Cleanup was given.
func (v *verdict) cleanUp() {
	for {
		v.mu.Lock()
		n := len(v.cleanups)
		if n == 0 {
			v.mu.Unlock()
			return
		}
		fn := v.cleanups[n-1]
		v.cleanups = v.cleanups[:n-1]
		v.mu.Unlock()
		v.perform(fn)
	}
}
