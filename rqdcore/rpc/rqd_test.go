package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
)

func order() *rqdpb.RunFrame {
	return &rqdpb.RunFrame{
		ResourceId: "r1", JobId: "j1", JobName: "show-shot-user_job", FrameId: "f1", FrameName: "0001-layer", LayerId: "l1",
		Command: "true", UserName: "artist1", LogDir: "/logs", StartTime: 1795493164120, NumCores: 100,
		UidOptional: &rqdpb.RunFrame_Uid{Uid: 1500},
	}
}

func launch(t *testing.T, s *server, o *rqdpb.RunFrame) error {
	t.Helper()
	_, err := s.rqd.LaunchFrame(soon(t), &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: o})
	return err
}

func TestStatusCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK},
		{frame.ErrInvalid, codes.InvalidArgument},
		{frame.ErrDuplicate, codes.AlreadyExists},
		{frame.ErrNoResources, codes.ResourceExhausted},
		{frame.ErrRefused, codes.FailedPrecondition},
		{frame.ErrUnavailable, codes.Unavailable},
		{frame.ErrNotRunning, codes.NotFound},
		{fmt.Errorf("wait for the disk: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		{context.Canceled, codes.Canceled},
		{errors.New("something else"), codes.Internal},
	} {
		t.Run(c.want.String(), func(t *testing.T) {
			t.Parallel()
			err := c.err
			if err != nil {
				err = fmt.Errorf("frame f1: %w", err)
			}
			s := serve(t, &fakeHost{
				launch:  func(context.Context, frame.Frame) error { return err },
				kill:    func(string, string) error { return err },
				running: func(string) (frame.Running, error) { return frame.Running{}, err },
			})
			_, kill := s.rqd.KillRunningFrame(soon(t), &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: "f1"})
			_, poll := s.rqd.GetRunningFrameStatus(soon(t), &rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: "f1"})
			_, get := s.rqd.GetRunFrame(soon(t), &rqdpb.RqdStaticGetRunFrameRequest{FrameId: "f1"})
			_, old := s.frames.Kill(soon(t), &rqdpb.RunningFrameKillRequest{RunFrame: order()})
			_, oldPoll := s.frames.Status(soon(t), &rqdpb.RunningFrameStatusRequest{RunFrame: order()})
			for i, have := range []error{launch(t, s, order()), kill, poll, get, old, oldPoll} {
				if status.Code(have) != c.want {
					t.Errorf("call %d: have %v, want %v", i, have, c.want)
				}
				if have != nil && !strings.Contains(have.Error(), err.Error()) {
					t.Errorf("call %d: %v does not say %v", i, have, err)
				}
			}
		})
	}
}

func TestLaunchHandsOverTheFrame(t *testing.T) {
	t.Parallel()
	var have frame.Frame
	s := serve(t, &fakeHost{launch: func(_ context.Context, f frame.Frame) error { have = f; return nil }})
	if err := launch(t, s, order()); err != nil {
		t.Fatal(err)
	}
	uid := int32(1500)
	want := frame.Frame{
		ID: "f1", ResourceID: "r1", JobID: "j1", JobName: "show-shot-user_job", Name: "0001-layer", LayerID: "l1", Command: "true",
		UserName: "artist1", LogDir: "/logs", StartTime: 1795493164120, UID: &uid, Cores: 100,
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

func TestLaunchBadOrder(t *testing.T) {
	t.Parallel()
	h := &fakeHost{}
	s := serve(t, h)
	bad := order()
	bad.NumCores = 0
	if err := launch(t, s, bad); status.Code(err) != codes.InvalidArgument {
		t.Errorf("have %v, want %v", err, codes.InvalidArgument)
	}
	if err := launch(t, s, nil); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without run_frame: have %v, want %v", err, codes.InvalidArgument)
	}
	if calls := h.noted(); len(calls) > 0 {
		t.Errorf("the host was asked %v", calls)
	}
	// A duplicate is called one before its other faults are.
	h.running = func(string) (frame.Running, error) { return frame.Running{}, nil }
	if err := launch(t, s, bad); status.Code(err) != codes.AlreadyExists {
		t.Errorf("a duplicate: have %v, want %v", err, codes.AlreadyExists)
	}
}

func TestKillPassesTheMessage(t *testing.T) {
	t.Parallel()
	h := &fakeHost{}
	s := serve(t, h)
	for _, message := range []string{"", "User: , Reason: \nframe {\n}\n"} {
		if _, err := s.rqd.KillRunningFrame(soon(t), &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: "f1", Message: message}); err != nil {
			t.Errorf("message %q: %v", message, err)
		}
	}
	if _, err := s.frames.Kill(soon(t), &rqdpb.RunningFrameKillRequest{RunFrame: order(), Message: "old"}); err != nil {
		t.Error(err)
	}
	if _, err := s.frames.Kill(soon(t), &rqdpb.RunningFrameKillRequest{}); err != nil {
		t.Errorf("without run_frame: %v", err)
	}
	want := []any{"Kill", "f1", "", "Kill", "f1", "User: , Reason: \nframe {\n}\n", "Kill", "f1", "old", "Kill", "", ""}
	if diff := cmp.Diff(want, h.noted()); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

func TestStatusOfRunningFrame(t *testing.T) {
	t.Parallel()
	r := frame.Running{
		Frame:      frame.Frame{ID: "f1", ResourceID: "r1", StartTime: 7, Cores: 100, Command: "true"},
		Attributes: map[string]string{"CPU_LIST": "0,4"},
		Figures:    frame.Figures{MaxRSS: 42},
	}
	s := serve(t, &fakeHost{running: func(string) (frame.Running, error) { return r, nil }})
	poll, err := s.rqd.GetRunningFrameStatus(soon(t), &rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: "f1"})
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.frames.Status(soon(t), &rqdpb.RunningFrameStatusRequest{RunFrame: order()})
	if err != nil {
		t.Fatal(err)
	}
	if i := poll.GetRunningFrameInfo(); i.GetFrameId() != "f1" || i.GetStartTime() != 7 || i.GetMaxRss() != 42 || i.GetAttributes()["CPU_LIST"] != "0,4" {
		t.Errorf("have %v", i)
	}
	if diff := cmp.Diff(poll.GetRunningFrameInfo(), old.GetRunningFrameInfo(), protocmp.Transform()); diff != "" {
		t.Errorf("the two services differ:\n%s", diff)
	}
	get, err := s.rqd.GetRunFrame(soon(t), &rqdpb.RqdStaticGetRunFrameRequest{FrameId: "f1"})
	if err != nil {
		t.Fatal(err)
	}
	if o := get.GetRunFrame(); o.GetResourceId() != "r1" || o.GetCommand() != "true" || o.GetAttributes()["CPU_LIST"] != "0,4" {
		t.Errorf("have %v", o)
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	h := &fakeHost{}
	s := serve(t, h)
	ctx := soon(t)
	rqd := s.rqd
	for name, call := range map[string]func() error{
		"Lock":            func() error { return second(rqd.Lock(ctx, &rqdpb.RqdStaticLockRequest{Cores: 100})) },
		"LockAll":         func() error { return second(rqd.LockAll(ctx, &rqdpb.RqdStaticLockAllRequest{})) },
		"Unlock":          func() error { return second(rqd.Unlock(ctx, &rqdpb.RqdStaticUnlockRequest{Cores: -5})) },
		"UnlockAll":       func() error { return second(rqd.UnlockAll(ctx, &rqdpb.RqdStaticUnlockAllRequest{})) },
		"NimbyOn":         func() error { return second(rqd.NimbyOn(ctx, &rqdpb.RqdStaticNimbyOnRequest{})) },
		"NimbyOff":        func() error { return second(rqd.NimbyOff(ctx, &rqdpb.RqdStaticNimbyOffRequest{})) },
		"RestartRqdNow":   func() error { return second(rqd.RestartRqdNow(ctx, &rqdpb.RqdStaticRestartNowRequest{})) },
		"RestartRqdIdle":  func() error { return second(rqd.RestartRqdIdle(ctx, &rqdpb.RqdStaticRestartIdleRequest{})) },
		"RebootNow":       func() error { return second(rqd.RebootNow(ctx, &rqdpb.RqdStaticRebootNowRequest{})) },
		"RebootIdle":      func() error { return second(rqd.RebootIdle(ctx, &rqdpb.RqdStaticRebootIdleRequest{})) },
		"ShutdownRqdNow":  func() error { return second(rqd.ShutdownRqdNow(ctx, &rqdpb.RqdStaticShutdownNowRequest{})) },
		"ShutdownRqdIdle": func() error { return second(rqd.ShutdownRqdIdle(ctx, &rqdpb.RqdStaticShutdownIdleRequest{})) },
	} {
		want := map[string][]any{
			"Lock": {"Lock", frame.CorePoints(100)}, "LockAll": {"LockAll"}, "Unlock": {"Unlock", frame.CorePoints(-5)},
			"UnlockAll": {"UnlockAll"}, "RebootNow": {"Shutdown"}, "RebootIdle": {"ShutdownWhenIdle"},
			"ShutdownRqdNow": {"Shutdown"}, "ShutdownRqdIdle": {"ShutdownWhenIdle"},
		}[name]
		before := len(h.noted())
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, append([]any(nil), h.noted()[before:]...)); diff != "" {
			t.Errorf("%s (-want +have):\n%s", name, diff)
		}
	}
	report, err := rqd.ReportStatus(ctx, &rqdpb.RqdStaticReportStatusRequest{})
	if err != nil || report.GetHostReport().GetHost().GetName() != "render01" || report.GetHostReport().GetCoreInfo().GetTotalCores() != 800 {
		t.Errorf("ReportStatus: have %v, %v", report, err)
	}
}

func second[T any](_ T, err error) error { return err }

// Every method of both services has a handler of ours.
func TestNothingUnimplemented(t *testing.T) {
	t.Parallel()
	s := serve(t, &fakeHost{})
	for _, service := range []grpc.ServiceDesc{rqdpb.RqdInterface_ServiceDesc, rqdpb.RunningFrame_ServiceDesc} {
		for _, m := range service.Methods {
			name := "/" + service.ServiceName + "/" + m.MethodName
			err := s.conn.Invoke(soon(t), name, &rqdpb.RqdStaticLockAllRequest{}, &rqdpb.RqdStaticLockAllResponse{})
			if code := status.Code(err); code == codes.Unimplemented || code == codes.Unknown || code == codes.Internal {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
