package report_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
