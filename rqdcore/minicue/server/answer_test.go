package server

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// TestAnswers goes through all that a harness can make minicue answer.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  Answer
		code    codes.Code
		applied bool
	}{
		"ok":               {OK(), codes.OK, true},
		"fail":             {Fail(codes.Unavailable, "shutting down"), codes.Unavailable, false},
		"hang":             {Hang(), codes.DeadlineExceeded, false},
		"cut":              {Cut(), codes.Unavailable, false},
		"apply, then fail": {ApplyThen(Fail(codes.Internal, "oops")), codes.Internal, true},
		"apply, then hang": {ApplyThen(Hang()), codes.DeadlineExceeded, true},
		"apply, then cut":  {ApplyThen(Cut()), codes.Unavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var once atomic.Bool
			b := start(t, nil, func(cfg *Config) {
				cfg.Answer = func(_ context.Context, call Call) Answer {
					if call.Host != "render01" || once.Swap(true) {
						return OK()
					}
					return c.answer
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if c.code == codes.DeadlineExceeded {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer cancel()
			_, err := b.reports.ReportRqdStartup(ctx, &reportpb.RqdReportRqdStartupRequest{BootReport: &reportpb.BootReport{Host: renderHost("render01")}})
			wantCode(t, "first report", err, c.code)
			if have := len(b.Farm().Hosts()) == 1; have != c.applied {
				t.Errorf("applied: want %t, have %t", c.applied, have)
			}
			// The next call works again, over a new connection if need be.
			b.reports = reportpb.NewRqdReportInterfaceClient(dial(t, b.Addr().String()))
			b.boot(t, "render02")
		})
	}
}

func TestCompletionAppliedWithItsReplyLost(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	var cut atomic.Bool
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, func(cfg *Config) {
		cfg.Answer = func(_ context.Context, c Call) Answer {
			if c.Method == reportpb.RqdReportInterface_ReportRunningFrameCompletion_FullMethodName && !cut.Swap(true) {
				return ApplyThen(Cut())
			}
			return OK()
		}
	})
	b.boot(t, "render01")
	b.submit(t, func(j *farm.Job) { j.Retries = 1 })
	first := next(t, "a launch", rqd.launches)
	wantCode(t, "completion", b.complete(t, "render01", first, 3), codes.Unavailable)
	again := next(t, "the frame again", rqd.launches)
	if again.GetFrameId() != first.GetFrameId() || again.GetResourceId() != first.GetResourceId() {
		t.Errorf("want the same frame on the same resource, have %v", again)
	}
}

// TestAnswerMayLaunchInside is what a conformance check needs: the next order before the reply to a completion.
func TestAnswerMayLaunchInside(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	var s atomic.Pointer[Server]
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, func(cfg *Config) {
		cfg.Answer = func(ctx context.Context, c Call) Answer {
			if c.Method == reportpb.RqdReportInterface_ReportRunningFrameCompletion_FullMethodName {
				client, err := s.Load().Client("render01")
				if err == nil {
					_, err = client.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: &rqdpb.RunFrame{FrameName: "from inside"}})
				}
				if err != nil {
					return Fail(codes.Internal, err.Error())
				}
			}
			return OK()
		}
	})
	s.Store(b.Server)
	b.boot(t, "render01")
	b.submit(t, nil)
	f := next(t, "a launch", rqd.launches)
	if err := b.complete(t, "render01", f, 0); err != nil {
		t.Fatal(err)
	}
	if have := next(t, "the inner launch", rqd.launches); have.GetFrameName() != "from inside" {
		t.Errorf("have %s", have.GetFrameName())
	}
}

func TestObserverSeesBothDirections(t *testing.T) {
	t.Parallel()
	rqd := newRQD(t)
	var mu sync.Mutex
	seen := map[string]Call{}
	b := start(t, map[string]*scriptedRQD{"render01": rqd}, func(cfg *Config) {
		cfg.Observe = func(c Call) {
			mu.Lock()
			defer mu.Unlock()
			seen[c.Method] = c
		}
	})
	b.boot(t, "render01")
	j := b.submit(t, nil)
	f := next(t, "a launch", rqd.launches)
	until(t, b.Server, "the launch to be over", func() bool {
		page, err := b.Farm().Events(j.ID, 0)
		return err == nil && len(page.Events) > 0
	})
	if err := b.report(t, "render01", running(f)); err != nil {
		t.Fatal(err)
	}
	if err := b.complete(t, "render01", f, 0); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, method := range []string{
		reportpb.RqdReportInterface_ReportRqdStartup_FullMethodName,
		reportpb.RqdReportInterface_ReportStatus_FullMethodName,
		reportpb.RqdReportInterface_ReportRunningFrameCompletion_FullMethodName,
		rqdpb.RqdInterface_LaunchFrame_FullMethodName,
	} {
		c, ok := seen[method]
		if !ok || c.Host != "render01" || c.Request == nil || c.Err != nil || c.Duration <= 0 {
			t.Errorf("%s: have %+v", method, c)
		}
	}
}
