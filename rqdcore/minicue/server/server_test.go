package server

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/minicue/farm"
)

func TestFramesFollowEachOtherOnOneResource(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01.farm.example")
	j := b.submit(t, func(j *farm.Job) { j.Range, j.Cores = "1-3", 400 })
	resource := ""
	for _, want := range []string{"0001-render", "0002-render", "0003-render"} {
		f := next(t, "a launch", rqd.launches)
		if f.GetFrameName() != want || resource != "" && f.GetResourceId() != resource {
			t.Fatalf("want %s on resource %q, have %s on %s", want, resource, f.GetFrameName(), f.GetResourceId())
		}
		resource = f.GetResourceId()
		if err := b.complete(t, "render01.farm.example", f, 0); err != nil {
			t.Fatal(err)
		}
	}
	page, err := b.Farm().Events(j.ID, 0)
	if err != nil || !page.Over {
		t.Errorf("want the job over, have %+v, %v", page, err)
	}
}

func TestAllIdleCoresAreBookedAtOnce(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.submit(t, func(j *farm.Job) { j.Range = "1-9" })
	b.boot(t, "render01")
	for range 4 {
		next(t, "a launch", rqd.launches)
	}
	until(t, b.Server, "four frames to run", func() bool { return b.Farm().Hosts()[0].Booked == 400 })
	select {
	case f := <-rqd.launches:
		t.Errorf("want four cores booked, have a fifth frame %s", f.GetFrameName())
	default:
	}
}

func TestFreedCoresGoToTheNextJobAtOnce(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01")
	b.submit(t, func(j *farm.Job) { j.Cores = 400 })
	first := next(t, "the first job's launch", rqd.launches)
	b.submit(t, func(j *farm.Job) { j.Cores, j.Layer = 400, "second" })
	if err := b.complete(t, "render01", first, 3); err != nil {
		t.Fatal(err)
	}
	if f := next(t, "the second job's launch", rqd.launches); f.GetFrameName() != "0001-second" {
		t.Errorf("want the second job's frame, have %s", f.GetFrameName())
	}
}

func TestRefusedLaunchIsKilledAndTriedAfterTheNextReport(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Unavailable, codes.AlreadyExists, codes.FailedPrecondition, codes.ResourceExhausted, codes.Unknown} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			rqd := newRQD(t)
			rqd.launch = func(context.Context) error { return status.Error(code, "not now") }
			b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
			b.boot(t, "render01")
			j := b.submit(t, nil)
			first := next(t, "a launch", rqd.launches)
			if k := next(t, "the kill", rqd.kills); k.GetFrameId() != first.GetFrameId() || k.GetMessage() == "" {
				t.Errorf("kill: have %v", k)
			}
			until(t, b.Server, "the frame to wait", func() bool { return b.state(j.Frames[0].ID) == farm.Waiting })
			rqd.script(func() { rqd.launch = nil })
			if err := b.report(t, "render01"); err != nil {
				t.Fatal(err)
			}
			again := next(t, "the next launch", rqd.launches)
			if again.GetResourceId() == first.GetResourceId() {
				t.Error("want a new resource")
			}
		})
	}
}

func TestHangingLaunchIsKilledAtTheDeadline(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	rqd.launch = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, func(c *Config) { c.Deadline = 50 * time.Millisecond })
	b.boot(t, "render01")
	b.submit(t, nil)
	f := next(t, "a launch", rqd.launches)
	if k := next(t, "the kill", rqd.kills); k.GetFrameId() != f.GetFrameId() {
		t.Errorf("kill: have %v", k)
	}
}

func TestHostThatIsNotFoundIsExplained(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	b.boot(t, "no-such-host-here")
	b.submit(t, nil)
	until(t, b.Server, "the reason", func() bool { return b.Farm().Hosts()[0].Note != "" })
	want := "refused a frame: the name no-such-host-here does not resolve here; give minicue serve --resolve no-such-host-here=ADDRESS (its reports come from 127.0.0.1), or RQD another name"
	if have := b.Farm().Hosts()[0].Note; have != want {
		t.Errorf("note:\nwant %s\nhave %s", want, have)
	}
}

func TestFrameOnTheWrongResourceIsKilled(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01")
	b.submit(t, nil)
	f := running(next(t, "a launch", rqd.launches))
	f.ResourceId, f.StartTime = "not-its-own", 0
	if err := b.report(t, "render01", f); err != nil {
		t.Fatal(err)
	}
	if k := next(t, "the kill", rqd.kills); k.GetFrameId() != f.GetFrameId() {
		t.Errorf("kill: have %v", k)
	}
}

func TestLostHostsFramesGoToAnother(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	one, two := newRQD(t), newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": one, "render02": two}, func(cfg *Config) {
		cfg.Farm.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	})
	b.boot(t, "render01")
	b.submit(t, nil)
	first := next(t, "a launch", one.launches)
	offset.Store(int64(301 * time.Second))
	b.boot(t, "render02")
	b.Sweep()
	if k := next(t, "the kill", one.kills); k.GetFrameId() != first.GetFrameId() {
		t.Errorf("kill: have %v", k)
	}
	again := next(t, "the launch on the other host", two.launches)
	if again.GetFrameId() != first.GetFrameId() || again.GetResourceId() == first.GetResourceId() {
		t.Errorf("want the same frame on a new resource, have %v", again)
	}
}

func TestLockRollsBackWhenTheHostRefuses(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	rqd.lock = status.Error(codes.Unavailable, "busy")
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01")
	err := b.LockHost(t.Context(), "render01", 0)
	if err == nil || err.Error() != "lock host render01: Unavailable: busy" {
		t.Errorf("want the host's refusal, have %v", err)
	}
	if have := b.Farm().Hosts()[0].Lock; have != farm.Open {
		t.Errorf("want OPEN, have %s", have)
	}
}

func TestLockAndUnlock(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, nil)
	b.boot(t, "render01")
	for _, c := range []struct {
		do   func(context.Context, string, farm.Points) error
		n    farm.Points
		want string
		lock farm.LockState
	}{
		{b.LockHost, 150, "Lock 1.5", farm.Open},
		{b.LockHost, 0, "LockAll", farm.Locked},
		{b.UnlockHost, 100, "Unlock 1", farm.Locked},
		{b.UnlockHost, 0, "UnlockAll", farm.Open},
	} {
		if err := c.do(t.Context(), "render01", c.n); err != nil {
			t.Fatal(err)
		}
		if have := next(t, c.want, rqd.locks); have != c.want {
			t.Errorf("want %s, have %s", c.want, have)
		}
		if have := b.Farm().Hosts()[0].Lock; have != c.lock {
			t.Errorf("after %s: want %s, have %s", c.want, c.lock, have)
		}
	}
}

func TestPortInUseIsAnError(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	if _, err := New(Config{Listen: b.Addr().String()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("RQD port: want it in use, have %v", err)
	}
	if _, err := New(Config{Listen: "127.0.0.1:0", Control: b.ControlAddr().String()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("control port: want it in use, have %v", err)
	}
}

// TestStopsWithCallsOnTheirWay stops a server whose RQD and whose own answers hang; start's cleanup waits for it.
func TestStopsWithCallsOnTheirWay(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	rqd.launch = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, func(cfg *Config) {
		cfg.Answer = func(_ context.Context, c Call) Answer {
			if c.Method == reportpb.RqdReportInterface_ReportStatus_FullMethodName {
				return Hang()
			}
			return OK()
		}
	})
	b.boot(t, "render01")
	b.submit(t, nil)
	next(t, "a launch", rqd.launches)
	go func() { _ = b.report(t, "render01") }()
}
