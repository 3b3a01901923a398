package rpc

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/cueconv"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
)

// rqdInterface serves rqd.RqdInterface. Its errors become status codes in the interceptor.
type rqdInterface struct {
	rqdpb.UnimplementedRqdInterfaceServer
	frames Frames
	locks  Locks
	exits  Exits
	log    zerolog.Logger
}

// LaunchFrame accepts a frame or says why not. A frame that runs here already is called
// a duplicate whatever else is wrong with the order.
func (s *rqdInterface) LaunchFrame(ctx context.Context, req *rqdpb.RqdStaticLaunchFrameRequest) (*rqdpb.RqdStaticLaunchFrameResponse, error) {
	f, err := cueconv.Frame(req.GetRunFrame())
	if err != nil {
		id := req.GetRunFrame().GetFrameId()
		if _, lookup := s.frames.Running(id); lookup == nil {
			return nil, fmt.Errorf("%w: frame %s", frame.ErrDuplicate, id)
		}
		return nil, err
	}
	return &rqdpb.RqdStaticLaunchFrameResponse{}, s.frames.Launch(ctx, f)
}

// KillRunningFrame makes sure that a frame dies. An empty message is as good as any.
func (s *rqdInterface) KillRunningFrame(_ context.Context, req *rqdpb.RqdStaticKillRunningFrameRequest) (*rqdpb.RqdStaticKillRunningFrameResponse, error) {
	return &rqdpb.RqdStaticKillRunningFrameResponse{}, s.frames.Kill(req.GetFrameId(), req.GetMessage())
}

func (s *rqdInterface) GetRunningFrameStatus(_ context.Context, req *rqdpb.RqdStaticGetRunningFrameStatusRequest) (*rqdpb.RqdStaticGetRunningFrameStatusResponse, error) {
	r, err := s.frames.Running(req.GetFrameId())
	if err != nil {
		return nil, err
	}
	return &rqdpb.RqdStaticGetRunningFrameStatusResponse{RunningFrameInfo: cueconv.Running(r)}, nil
}

func (s *rqdInterface) GetRunFrame(_ context.Context, req *rqdpb.RqdStaticGetRunFrameRequest) (*rqdpb.RqdStaticGetRunFrameResponse, error) {
	r, err := s.frames.Running(req.GetFrameId())
	if err != nil {
		return nil, err
	}
	order := cueconv.RunFrame(r.Frame)
	order.Attributes = cueconv.Attributes(r.Attributes)
	return &rqdpb.RqdStaticGetRunFrameResponse{RunFrame: order}, nil
}

func (s *rqdInterface) ReportStatus(context.Context, *rqdpb.RqdStaticReportStatusRequest) (*rqdpb.RqdStaticReportStatusResponse, error) {
	return &rqdpb.RqdStaticReportStatusResponse{HostReport: cueconv.HostReport(s.frames.Report())}, nil
}

func (s *rqdInterface) Lock(_ context.Context, req *rqdpb.RqdStaticLockRequest) (*rqdpb.RqdStaticLockResponse, error) {
	s.locks.Lock(frame.CorePoints(req.GetCores()))
	return &rqdpb.RqdStaticLockResponse{}, nil
}

func (s *rqdInterface) LockAll(context.Context, *rqdpb.RqdStaticLockAllRequest) (*rqdpb.RqdStaticLockAllResponse, error) {
	s.locks.LockAll()
	return &rqdpb.RqdStaticLockAllResponse{}, nil
}

func (s *rqdInterface) Unlock(_ context.Context, req *rqdpb.RqdStaticUnlockRequest) (*rqdpb.RqdStaticUnlockResponse, error) {
	s.locks.Unlock(frame.CorePoints(req.GetCores()))
	return &rqdpb.RqdStaticUnlockResponse{}, nil
}

func (s *rqdInterface) UnlockAll(context.Context, *rqdpb.RqdStaticUnlockAllRequest) (*rqdpb.RqdStaticUnlockAllResponse, error) {
	s.locks.UnlockAll()
	return &rqdpb.RqdStaticUnlockAllResponse{}, nil
}

// ShutdownRqdNow is answered before RQD ends: the server finishes the calls it has.
func (s *rqdInterface) ShutdownRqdNow(context.Context, *rqdpb.RqdStaticShutdownNowRequest) (*rqdpb.RqdStaticShutdownNowResponse, error) {
	s.exits.Shutdown()
	return &rqdpb.RqdStaticShutdownNowResponse{}, nil
}

func (s *rqdInterface) ShutdownRqdIdle(context.Context, *rqdpb.RqdStaticShutdownIdleRequest) (*rqdpb.RqdStaticShutdownIdleResponse, error) {
	s.exits.ShutdownWhenIdle()
	return &rqdpb.RqdStaticShutdownIdleResponse{}, nil
}

// RebootNow ends RQD, as every RQD in Docker mode did: the machine is not rebooted, and the boot
// report of the next RQD is what ends the state REBOOTING at Cuebot.
func (s *rqdInterface) RebootNow(context.Context, *rqdpb.RqdStaticRebootNowRequest) (*rqdpb.RqdStaticRebootNowResponse, error) {
	s.log.Warn().Str("call", "RebootNow").Msg("reboot taken as restart of rqd, the machine stays up")
	s.exits.Shutdown()
	return &rqdpb.RqdStaticRebootNowResponse{}, nil
}

// RebootIdle is RebootNow when the last frame has ended.
func (s *rqdInterface) RebootIdle(context.Context, *rqdpb.RqdStaticRebootIdleRequest) (*rqdpb.RqdStaticRebootIdleResponse, error) {
	s.log.Warn().Str("call", "RebootIdle").Msg("reboot taken as restart of rqd, the machine stays up")
	s.exits.ShutdownWhenIdle()
	return &rqdpb.RqdStaticRebootIdleResponse{}, nil
}

// NimbyOn is answered and has no effect: a host that only runs containers has no desk user to give way to.
func (s *rqdInterface) NimbyOn(context.Context, *rqdpb.RqdStaticNimbyOnRequest) (*rqdpb.RqdStaticNimbyOnResponse, error) {
	s.withoutEffect("NimbyOn")
	return &rqdpb.RqdStaticNimbyOnResponse{}, nil
}

// NimbyOff is answered and has no effect.
func (s *rqdInterface) NimbyOff(context.Context, *rqdpb.RqdStaticNimbyOffRequest) (*rqdpb.RqdStaticNimbyOffResponse, error) {
	s.withoutEffect("NimbyOff")
	return &rqdpb.RqdStaticNimbyOffResponse{}, nil
}

// RestartRqdNow is answered and has no effect, as in every RQD since it was deprecated.
func (s *rqdInterface) RestartRqdNow(context.Context, *rqdpb.RqdStaticRestartNowRequest) (*rqdpb.RqdStaticRestartNowResponse, error) {
	s.withoutEffect("RestartRqdNow")
	return &rqdpb.RqdStaticRestartNowResponse{}, nil
}

// RestartRqdIdle is answered and has no effect, as in every RQD since it was deprecated.
func (s *rqdInterface) RestartRqdIdle(context.Context, *rqdpb.RqdStaticRestartIdleRequest) (*rqdpb.RqdStaticRestartIdleResponse, error) {
	s.withoutEffect("RestartRqdIdle")
	return &rqdpb.RqdStaticRestartIdleResponse{}, nil
}

func (s *rqdInterface) withoutEffect(call string) {
	s.log.Warn().Str("call", call).Msg("call answered without effect")
}

// runningFrame serves rqd.RunningFrame, the older way to ask the same of one frame.
type runningFrame struct {
	rqdpb.UnimplementedRunningFrameServer
	frames Frames
}

func (s *runningFrame) Kill(_ context.Context, req *rqdpb.RunningFrameKillRequest) (*rqdpb.RunningFrameKillResponse, error) {
	return &rqdpb.RunningFrameKillResponse{}, s.frames.Kill(req.GetRunFrame().GetFrameId(), req.GetMessage())
}

func (s *runningFrame) Status(_ context.Context, req *rqdpb.RunningFrameStatusRequest) (*rqdpb.RunningFrameStatusResponse, error) {
	r, err := s.frames.Running(req.GetRunFrame().GetFrameId())
	if err != nil {
		return nil, err
	}
	return &rqdpb.RunningFrameStatusResponse{RunningFrameInfo: cueconv.Running(r)}, nil
}
