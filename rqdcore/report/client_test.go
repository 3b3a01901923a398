package report_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"rqdswarm/rqdcore/cueconv"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/report"
)

func TestClientSends(t *testing.T) {
	t.Parallel()
	bot := newCuebot(t)
	c := newClient(t, bot.addr)
	h := host().Report()
	for _, err := range []error{c.Boot(t.Context(), h), c.Status(t.Context(), h), c.Complete(t.Context(), completion("f1"), h.Host)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	bot.mu.Lock()
	defer bot.mu.Unlock()
	have := []any{bot.boots, bot.states, bot.ends}
	want := []any{
		[]*reportpb.BootReport{cueconv.BootReport(h)},
		[]*reportpb.HostReport{cueconv.HostReport(h)},
		[]*reportpb.FrameCompleteReport{cueconv.FrameCompleteReport(completion("f1"), h.Host)},
	}
	if diff := cmp.Diff(want, have, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

// Calls have the deadlines that the real Cuebot can live with.
func TestClientDeadlines(t *testing.T) {
	t.Parallel()
	bot := newCuebot(t)
	left := make(chan time.Duration, 3)
	note := func(ctx context.Context) error {
		d, _ := ctx.Deadline()
		left <- time.Until(d)
		return nil
	}
	bot.boot, bot.status = note, note
	bot.complete = func(ctx context.Context, _ *reportpb.FrameCompleteReport) error { return note(ctx) }
	c := newClient(t, bot.addr)
	h := host().Report()
	_, _, _ = c.Boot(t.Context(), h), c.Status(t.Context(), h), c.Complete(t.Context(), completion("f1"), h.Host)
	for _, want := range []time.Duration{10 * time.Second, 10 * time.Second, 30 * time.Second} {
		if have := <-left; have > want || have < want-2*time.Second {
			t.Errorf("deadline in %v, want %v", have, want)
		}
	}
}

// After a failure the next call goes to the next Cuebot, in whatever order they were shuffled.
func TestClientFailsOver(t *testing.T) {
	t.Parallel()
	bots := []*cuebot{newCuebot(t), newCuebot(t), newCuebot(t)}
	c := newClient(t, bots[0].addr, bots[1].addr, bots[2].addr)
	if err := c.Status(t.Context(), host().Report()); err != nil {
		t.Fatal(err)
	}
	used := map[*cuebot]bool{}
	for range bots {
		for _, b := range bots {
			if _, n, _ := b.seen(); n > 0 && !used[b] {
				used[b] = true
				b.server.Stop()
			}
		}
		if len(used) == len(bots) {
			break
		}
		if err := c.Status(t.Context(), host().Report()); err == nil {
			t.Fatal("a stopped Cuebot took a report")
		}
		if err := c.Status(t.Context(), host().Report()); err != nil {
			t.Errorf("after the failure: %v", err)
		}
	}
	// All are gone; one comes back and is found, once the others were tried.
	bots[1].listen(t)
	eventually(t, "the one that came back", func() bool { return c.Status(t.Context(), host().Report()) == nil })
}

// A failure of one call leaves the others on the same connection alone.
func TestClientTurnsGently(t *testing.T) {
	t.Parallel()
	bot := newCuebot(t)
	began, finish := make(chan struct{}), make(chan struct{})
	bot.complete = func(context.Context, *reportpb.FrameCompleteReport) error {
		close(began)
		<-finish
		return nil
	}
	bot.status = func(context.Context) error { return status.Error(codes.Internal, "no") }
	c := newClient(t, bot.addr)
	answered := make(chan error, 1)
	go func() { answered <- c.Complete(t.Context(), completion("f1"), host().Report().Host) }()
	<-began
	if err := c.Status(t.Context(), host().Report()); status.Code(err) != codes.Internal {
		t.Errorf("have %v, want %v", err, codes.Internal)
	}
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("the call beside it: %v", err)
	}
}

// A connection to a machine that vanished without a word costs one deadline, not more: the
// next call has a new connection.
func TestClientLeavesDeadConnection(t *testing.T) {
	t.Parallel()
	bot := newCuebot(t)
	c := newClient(t, deafenFirst(t, bot.addr))
	if err := c.Status(t.Context(), host().Report()); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("on the dead connection: have %v, want %v", err, codes.DeadlineExceeded)
	}
	if err := c.Status(t.Context(), host().Report()); err != nil {
		t.Errorf("on the next one: %v", err)
	}
}

// deafenFirst forwards connections to addr. Of the first one only what the server says first
// comes back, so it is ready, and everything else is lost.
func deafenFirst(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var pumps sync.WaitGroup
	t.Cleanup(pumps.Wait)
	t.Cleanup(func() { l.Close() })
	pumps.Go(func() {
		for first := true; ; first = false {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { near.Close(); far.Close() })
			up := io.Writer(far)
			if first {
				up = io.Discard
			}
			pumps.Go(func() { _, _ = io.Copy(up, near) })
			pumps.Go(func() { _, _ = io.Copy(near, far) })
		}
	})
	return l.Addr().String()
}

func TestClientRefusesBadList(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{"": "no Cuebot", "cuebot1": `"cuebot1"`, "cuebot1:8443 ::1": `"::1"`} {
		_, err := report.NewClient(strings.Fields(list), logger(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: have %v, want an error with %s", list, err, want)
		}
	}
}
