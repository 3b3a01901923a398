package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rqdswarm/internal/engine"
)

// How often and how soon a step that failed is tried again.
const (
	firstDelay = 250 * time.Millisecond
	lastDelay  = 5 * time.Second
	maxTries   = 12 // Of one step, without anything changing: about 45 s.
)

// trouble is what went wrong lately. The zero value is none.
type trouble struct {
	step  Step
	err   error
	fatal bool
	tries int
	until time.Time // Do not act before.
	blind int       // Observations in a row that failed.
}

// after takes an effect's outcome.
func (t *trouble) after(out outcome) {
	if out.err == nil {
		*t = trouble{}
		return
	}
	if t.step != out.step {
		*t = trouble{}
	}
	t.step, t.err, t.fatal = out.step, out.err, hopeless(out)
	t.tries++
	t.until = time.Now().Add(backoff(t.tries))
}

// hopeless says that a step will not succeed by being tried again. The planner has tried often enough
// by itself; a start may fail because of the engine, or because of what is started.
func hopeless(out outcome) bool {
	if out.step == Resolve {
		return true
	}
	transient := errors.Is(out.err, engine.ErrUnavailable) || errors.Is(out.err, engine.ErrConflict) ||
		errors.Is(out.err, engine.ErrNotFound) || errors.Is(out.err, context.Canceled)
	return !transient
}

// settle says whether step, decided afresh, is the one that failed for good. Another step means that the trouble is over.
func (t *trouble) settle(step Step) error {
	switch {
	case t.err == nil:
		return nil
	case step != t.step:
		*t = trouble{}
		return nil
	case t.fatal:
		return t.err
	case t.tries >= maxTries:
		return fmt.Errorf("gave up after %d tries: %w", t.tries, t.err)
	default:
		return nil
	}
}

// waiting says that it is too early to try again.
func (t *trouble) waiting() bool { return t.err != nil && time.Now().Before(t.until) }

// unseen counts an observation that failed and returns how many there were in a row.
func (t *trouble) unseen() int {
	t.blind++
	return t.blind
}

// seen says that an observation succeeded.
func (t *trouble) seen() { t.blind = 0 }

// delay is the time until the next try.
func (t *trouble) delay() time.Duration {
	if t.blind > 0 {
		return backoff(t.blind)
	}
	return max(time.Until(t.until), time.Millisecond)
}

func backoff(tries int) time.Duration {
	return min(firstDelay<<min(tries-1, 10), lastDelay)
}
