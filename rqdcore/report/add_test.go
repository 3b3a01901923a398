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

// A full disk does not keep a completion from Cuebot, and Add waits until it is safe there.
func TestAddWithoutDisk(t *testing.T) {
	t.Parallel()
	d := &documents{put: func(string) error { return errors.New("no space left on device") }}
	var up atomic.Bool
	c := &completer{answer: func(context.Context, int, frame.Completion) error {
		if up.Load() {
			return nil
		}
		return errRefused
	}}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		returned := make(chan error, 2)
		go func() { returned <- o.Add(completion("f1")) }()
		time.Sleep(time.Minute)
		select {
		case err := <-returned:
			t.Errorf("Add returned %v while nothing was safe", err)
		default:
		}
		up.Store(true)
		if err := <-returned; err != nil {
			t.Errorf("delivered, and Add says %v", err)
		}
		// A dropped one has nobody to wait for either.
		up.Store(false)
		go func() { returned <- o.Add(completion("f2")) }()
		synctest.Wait()
		go func() {
			if err := o.Drop("f2"); err != nil {
				t.Error(err)
			}
		}()
		if err := <-returned; err != nil {
			t.Errorf("dropped, and Add says %v", err)
		}
		synctest.Wait()
	})
}

// When RQD ends, what can neither be written nor delivered is the caller's again.
func TestAddAtTheEnd(t *testing.T) {
	t.Parallel()
	d := &documents{put: func(string) error { return errors.New("no space left on device") }}
	c := &completer{answer: refuse}
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, d, c)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- o.Run(ctx) }()
		returned := make(chan error)
		go func() { returned <- o.Add(completion("f1")) }()
		time.Sleep(time.Minute)
		cancel()
		<-ended
		if err := <-returned; err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("have %v, want the error of the disk", err)
		}
		if o.Pending() != 0 {
			t.Errorf("%d pending, want none", o.Pending())
		}
	})
}

// Attempts under way get a moment when RQD ends, and no more than that.
func TestEndLingers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer, want time.Duration
		left         int
	}{{time.Second, time.Second, 0}, {20 * time.Second, 2 * time.Second, 1}} {
		synctest.Test(t, func(t *testing.T) {
			d := &documents{}
			o := newOutbox(t, d, &completer{answer: func(ctx context.Context, _ int, _ frame.Completion) error {
				select {
				case <-time.After(c.answer):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- o.Run(ctx) }()
			add(t, o, "f1")
			synctest.Wait()
			cancel()
			began := time.Now()
			<-ended
			if took := time.Since(began); took != c.want || d.count() != c.left {
				t.Errorf("an answer that takes %v: ended after %v with %d documents, want %v, %d", c.answer, took, d.count(), c.want, c.left)
			}
		})
	}
}
