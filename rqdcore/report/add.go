package report

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rqdswarm/rqdcore/frame"
)

// writeRetry is how often a document that could not be written is tried again.
const writeRetry = time.Second

// Add owes a completion. It returns nil when the completion is safe: on the disk, or with
// Cuebot already. A disk that refuses is tried again until then; the error is that of the disk,
// and comes only when Run has ended, so that nobody delivers. What c refers to must not change any more.
func (o *Outbox) Add(c frame.Completion) error {
	e := o.enqueue(c)
	defer close(e.written)
	signal(o.wake)
	for first := true; ; first = false {
		err := o.cfg.Documents.Put(e.name, document{documentVersion, c})
		if err == nil {
			return nil
		}
		if first {
			o.cfg.Log.Error().Err(err).Str("frame_id", e.frameID()).Msg("completion not on disk, delivering from memory")
		}
		select {
		case <-e.over:
			return nil
		case <-time.After(writeRetry):
		case <-o.ended:
			o.withdraw(e)
			return fmt.Errorf("write completion of frame %s: %w", e.frameID(), err)
		}
	}
}

// enqueue numbers the completion by the time, so that the order survives a restart.
func (o *Outbox) enqueue(c frame.Completion) *entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = max(o.last+1, time.Now().UnixNano())
	e := newEntry(o.last, c)
	e.fresh = true
	o.owed = append(o.owed, e)
	return e
}

// withdraw forgets an entry that has no document.
func (o *Outbox) withdraw(e *entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remove(e)
}

// Drop forgets what is owed for the frame, and ends its delivery if one is under way, before it
// returns. A launch of the frame calls it before it is accepted: Cuebot may have recorded the
// end of the last run without our hearing so, and told again it would end the new run.
//
// After an error the document may still be on the disk, nothing of it is sent by this RQD, and
// Drop can be called again.
func (o *Outbox) Drop(frameID string) error {
	var errs []error
	for _, e := range o.disown(frameID) {
		errs = append(errs, o.clear(e))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("drop completion of frame %s: %w", frameID, err)
	}
	return nil
}

// disown ends everything that is owed for the frame, and the attempts to deliver it.
func (o *Outbox) disown(frameID string) []*entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []*entry
	for _, e := range o.owed {
		if e.frameID() == frameID {
			e.end()
			if e.cancel != nil {
				e.cancel()
			}
			found = append(found, e)
		}
	}
	return found
}

// clear deletes the document of an entry that is over, when no attempt of it is under way any more.
func (o *Outbox) clear(e *entry) error {
	for {
		busy, gone := o.claim(e)
		switch {
		case gone:
			return nil
		case busy != nil:
			<-busy
		default:
			err := o.erase(e)
			o.settle(e, err)
			return err
		}
	}
}

// claim makes the caller the only one that works on the entry, unless busy or gone say otherwise.
func (o *Outbox) claim(e *entry) (busy <-chan struct{}, gone bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Contains(o.owed, e) {
		return nil, true
	}
	if e.attempt != nil {
		return e.attempt, false
	}
	e.attempt = make(chan struct{})
	return nil, false
}

// erase deletes the document after its writer is done with it.
func (o *Outbox) erase(e *entry) error {
	<-e.written
	return o.cfg.Documents.Delete(e.name)
}
