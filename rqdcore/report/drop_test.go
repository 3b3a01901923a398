package report_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/report"
)

// Drop ends a delivery under way before it returns, and nothing of the frame is sent afterwards.
func TestDrop(t *testing.T) {
	t.Parallel()
	var aborted atomic.Bool
	c := &completer{}
	c.answer = func(ctx context.Context, n int, done frame.Completion) error {
		if done.Running.Frame.ID != "f1" {
			return errRefused
		}
		err := hang(ctx, n, done)
		aborted.Store(errors.Is(err, context.Canceled))
		return err
	}
	d := &documents{}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		add(t, o, "f1", "f2")
		synctest.Wait()
		before := time.Now()
		if err := o.Drop("f1"); err != nil {
			t.Error(err)
		}
		if !aborted.Load() || time.Since(before) != 0 || d.count() != 1 || o.Pending() != 1 {
			t.Errorf("aborted %t after %v, %d documents, %d pending, want at once, 1, 1", aborted.Load(), time.Since(before), d.count(), o.Pending())
		}
		if err := o.Drop("f2"); err != nil { // It waits for its next try.
			t.Error(err)
		}
		if err := o.Drop("f3"); err != nil { // It never was.
			t.Error(err)
		}
		if d.count() != 0 || o.Pending() != 0 {
			t.Errorf("%d documents, %d pending, want none", d.count(), o.Pending())
		}
		sent := len(c.ids())
		time.Sleep(time.Hour)
		if have := len(c.ids()); have != sent {
			t.Errorf("%d more tries after the drop", have-sent)
		}
	})
}

// While the document cannot be deleted the launch has to be refused; the completion is not
// sent any more, and Drop can be repeated.
func TestDropFails(t *testing.T) {
	t.Parallel()
	var mended atomic.Bool
	d := &documents{delete: func(string) error {
		if !mended.Load() {
			return errors.New("read-only file system")
		}
		return nil
	}}
	c := &completer{answer: refuse}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		add(t, o, "f1")
		synctest.Wait()
		for range 2 {
			if err := o.Drop("f1"); err == nil || !strings.Contains(err.Error(), "f1") {
				t.Errorf("have %v, want an error with the frame", err)
			}
		}
		sent := len(c.ids())
		time.Sleep(time.Hour)
		if have := len(c.ids()); have != sent || o.Pending() != 0 || d.count() != 1 {
			t.Errorf("%d more tries, %d pending, %d documents, want 0, 0, 1", have-sent, o.Pending(), d.count())
		}
		mended.Store(true)
		if err := o.Drop("f1"); err != nil || d.count() != 0 {
			t.Errorf("repeated: %v, %d documents", err, d.count())
		}
	})
}

// A document that cannot be deleted after its delivery is deleted later, and not delivered again.
func TestDeliveredButNotDeleted(t *testing.T) {
	t.Parallel()
	n := 0
	d := &documents{delete: func(string) error {
		if n++; n < 5 {
			return errors.New("I/O error")
		}
		return nil
	}}
	c := &completer{}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		add(t, o, "f1")
		synctest.Wait()
		if o.Pending() != 0 || d.count() != 1 {
			t.Errorf("%d pending, %d documents, want 0, 1", o.Pending(), d.count())
		}
		time.Sleep(time.Minute)
		if d.count() != 0 || len(c.ids()) != 1 {
			t.Errorf("%d documents, %d tries, want 0, 1", d.count(), len(c.ids()))
		}
	})
}

// Delivery does not wait for the disk, and a document that comes late is deleted all the same.
func TestDeliveryBesideTheDisk(t *testing.T) {
	t.Parallel()
	d := &documents{put: func(string) error { time.Sleep(time.Minute); return nil }}
	c := &completer{}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		go add(t, o, "f1")
		synctest.Wait()
		if len(c.ids()) != 1 || o.Pending() != 0 {
			t.Errorf("%d tries, %d pending before the disk answered, want 1, 0", len(c.ids()), o.Pending())
		}
		time.Sleep(2 * time.Minute)
		if d.count() != 0 {
			t.Error("the document was left behind")
		}
	})
}
