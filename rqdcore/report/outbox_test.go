package report_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/report"
)

// delivering runs an outbox in a bubble for as long as body takes.
func delivering(t *testing.T, d *documents, c *completer, body func(*testing.T, *report.Outbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, d, c)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- o.Run(ctx) }()
		body(t, o)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func newOutbox(t *testing.T, d report.Documents, c report.Completer) *report.Outbox {
	t.Helper()
	o, err := report.NewOutbox(report.OutboxConfig{Documents: d, Cuebot: c, Host: host(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func add(t *testing.T, o *report.Outbox, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := o.Add(completion(id)); err != nil {
			t.Errorf("Add %s: %v", id, err)
		}
	}
}

func refuse(context.Context, int, frame.Completion) error { return errRefused }

func hang(ctx context.Context, _ int, _ frame.Completion) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	<-ctx.Done()
	return ctx.Err()
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	d, c := &documents{}, &completer{}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		add(t, o, "f1")
		synctest.Wait()
		if have := c.ids(); !slices.Equal(have, []string{"f1"}) {
			t.Errorf("delivered %v", have)
		}
		if h := c.tries[0].host; h.Name != "render01" || h.FreeMemory == 0 {
			t.Errorf("delivered with host %+v", h)
		}
		if o.Pending() != 0 || d.count() != 0 {
			t.Errorf("%d pending, %d documents, want none", o.Pending(), d.count())
		}
	})
}

// A completion is tried for ever, at least every 15 s, and then taken.
func TestRetry(t *testing.T) {
	t.Parallel()
	d := &documents{}
	day := 24 * time.Hour
	var began time.Time // Set before the first try.
	c := &completer{answer: func(context.Context, int, frame.Completion) error {
		if time.Since(began) < day {
			return errRefused
		}
		return nil
	}}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		began = time.Now()
		add(t, o, "f1")
		time.Sleep(day - time.Second)
		if o.Pending() != 1 || d.count() != 1 {
			t.Errorf("%d pending, %d documents, want 1", o.Pending(), d.count())
		}
		time.Sleep(17 * time.Second)
		if o.Pending() != 0 || d.count() != 0 {
			t.Errorf("%d pending, %d documents, want none", o.Pending(), d.count())
		}
	})
	longest := time.Duration(0)
	for i := 1; i < len(c.tries); i++ {
		longest = max(longest, c.tries[i].at.Sub(c.tries[i-1].at))
	}
	if second := c.tries[1].at.Sub(c.tries[0].at); second > 500*time.Millisecond || longest > 15*time.Second || longest < 12*time.Second {
		t.Errorf("second try after %v, longest gap %v, want 0.5s and 15s at most", second, longest)
	}
}

// However many completions hang, a new one is sent at once and an old one is not forgotten.
func TestHangingDelaysNobody(t *testing.T) {
	t.Parallel()
	c := &completer{answer: func(ctx context.Context, n int, done frame.Completion) error {
		if strings.HasPrefix(done.Running.Frame.ID, "bad") {
			return hang(ctx, n, done)
		}
		return nil
	}}
	delivering(t, &documents{}, c, func(t *testing.T, o *report.Outbox) {
		for i := range 100 {
			add(t, o, fmt.Sprint("bad", i))
		}
		for i := range 100 {
			id := fmt.Sprint("good", i)
			add(t, o, id)
			synctest.Wait()
			if !slices.Contains(c.ids(), id) {
				t.Errorf("%s was not sent at once", id)
			}
			time.Sleep(7 * time.Second)
		}
		if o.Pending() != 100 {
			t.Errorf("%d pending, want the 100 that hang", o.Pending())
		}
	})
	for i := range 100 {
		n := 0
		for _, id := range c.ids() {
			if id == fmt.Sprint("bad", i) {
				n++
			}
		}
		if n < 3 {
			t.Errorf("bad%d was tried %d times in 700 s", i, n)
		}
	}
}

// Leftovers of an earlier RQD are sent in their order, a bounded number at a time.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	d := &documents{}
	var want []string
	delivering(t, d, &completer{answer: refuse}, func(t *testing.T, o *report.Outbox) {
		for i := range 100 {
			want = append(want, fmt.Sprint("f", i))
			add(t, o, want[i])
		}
	})
	c := &completer{answer: hang}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		synctest.Wait()
		have := c.ids()
		slices.SortFunc(have, func(a, b string) int { return slices.Index(want, a) - slices.Index(want, b) })
		if !slices.Equal(have, want[:32]) {
			t.Errorf("sent %v first, want the 32 oldest", have)
		}
		if o.Pending() != 100 {
			t.Errorf("%d pending, want 100", o.Pending())
		}
	})
	c = &completer{}
	delivering(t, d, c, func(t *testing.T, o *report.Outbox) {
		synctest.Wait()
		if len(c.ids()) != 100 || o.Pending() != 0 || d.count() != 0 {
			t.Errorf("%d sent, %d pending, %d documents, want 100, 0, 0", len(c.ids()), o.Pending(), d.count())
		}
	})
}

// Two ends of the same frame reach Cuebot in their order.
func TestFrameOrder(t *testing.T) {
	t.Parallel()
	c := &completer{answer: func(_ context.Context, n int, _ frame.Completion) error {
		if n < 4 {
			return errRefused
		}
		return nil
	}}
	var got []int32
	ordered := report.Completer(completerFunc(func(ctx context.Context, done frame.Completion, h frame.Host) error {
		err := c.Complete(ctx, done, h)
		if err == nil {
			got = append(got, done.ExitStatus)
		}
		return err
	}))
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, &documents{}, ordered)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- o.Run(ctx) }()
		for i := range int32(3) {
			done := completion("f1")
			done.ExitStatus = i
			if err := o.Add(done); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		cancel()
		<-ended
	})
	if !slices.Equal(got, []int32{0, 1, 2}) {
		t.Errorf("delivered %v, want 0 1 2", got)
	}
}

type completerFunc func(context.Context, frame.Completion, frame.Host) error

func (f completerFunc) Complete(ctx context.Context, c frame.Completion, h frame.Host) error {
	return f(ctx, c, h)
}

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
