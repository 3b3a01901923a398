package server

import (
	"context"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc/peer"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// reports is Cuebot's service for RQDs. OK means for the first two that the report was
// read, not that it was good, and for a completion that it was recorded or judged stale.
type reports struct {
	reportpb.UnimplementedRqdReportInterfaceServer
	s *Server
}

// ReportRqdStartup takes a boot report.
func (r *reports) ReportRqdStartup(ctx context.Context, in *reportpb.RqdReportRqdStartupRequest) (*reportpb.RqdReportRqdStartupResponse, error) {
	boot := in.GetBootReport()
	c := Call{Method: reportpb.RqdReportInterface_ReportRqdStartup_FullMethodName, Host: boot.GetHost().GetName(), Start: time.Now(), Request: in}
	err := r.s.answer(ctx, c, func() {
		out := r.s.farm.Boot(farm.Report{Machine: machineOf(boot.GetHost()), Cores: coresOf(boot.GetCoreInfo())})
		r.s.log.Info().Str("host", c.Host).Str("os", boot.GetHost().GetAttributes()["SP_OS"]).
			Strs("tags", boot.GetHost().GetTags()).Msg("host booted")
		r.s.reported(ctx, c.Host, out)
	})
	return &reportpb.RqdReportRqdStartupResponse{}, err
}

// ReportStatus takes a host report.
func (r *reports) ReportStatus(ctx context.Context, in *reportpb.RqdReportStatusRequest) (*reportpb.RqdReportStatusResponse, error) {
	c := Call{Method: reportpb.RqdReportInterface_ReportStatus_FullMethodName, Host: in.GetHostReport().GetHost().GetName(), Start: time.Now(), Request: in}
	err := r.s.answer(ctx, c, func() {
		r.s.reported(ctx, c.Host, r.s.farm.Report(reportOf(in.GetHostReport())))
	})
	return &reportpb.RqdReportStatusResponse{}, err
}

// ReportRunningFrameCompletion takes the end of a frame.
func (r *reports) ReportRunningFrameCompletion(ctx context.Context, in *reportpb.RqdReportRunningFrameCompletionRequest) (*reportpb.RqdReportRunningFrameCompletionResponse, error) {
	done := in.GetFrameCompleteReport()
	c := Call{Method: reportpb.RqdReportInterface_ReportRunningFrameCompletion_FullMethodName, Host: done.GetHost().GetName(), Start: time.Now(), Request: in}
	err := r.s.answer(ctx, c, func() {
		r.s.completed(done, r.s.farm.Complete(completionOf(done)))
	})
	return &reportpb.RqdReportRunningFrameCompletionResponse{}, err
}

// reported carries out what a boot or host report led to.
func (s *Server) reported(ctx context.Context, reportedName string, out farm.Outcome) {
	s.logProblems(reportedName, out.Problems)
	for _, k := range out.Kills {
		s.work.Go(func() { s.kill(s.ctx, k) })
	}
	name, err := s.farm.HostName(reportedName)
	if err != nil {
		return // Dropped, and the problem says why.
	}
	if p, ok := peer.FromContext(ctx); ok {
		if address, _, err := net.SplitHostPort(p.Addr.String()); err == nil {
			s.mu.Lock()
			s.peers[name] = address
			s.mu.Unlock()
		}
	}
	s.bookPass(name)
}

// completed carries out what a completion led to.
func (s *Server) completed(done *reportpb.FrameCompleteReport, v farm.Verdict) {
	f := done.GetFrame()
	log := s.log.With().Str("host", done.GetHost().GetName()).Str("frame", f.GetFrameName()).Str("frame_id", f.GetFrameId()).
		Str("resource_id", f.GetResourceId()).Int32("exit_status", done.GetExitStatus()).
		Int32("exit_signal", done.GetExitSignal()).Int32("run_time", done.GetRunTime()).Int64("max_rss", f.GetMaxRss()).Logger()
	if v.Ignored != "" {
		log.Warn().Str("reason", v.Ignored).Msg("completion ignored")
		return
	}
	log.Info().Str("state", string(v.State)).Msg("frame ended")
	switch {
	case v.Follows:
		s.work.Go(func() { s.launch(s.ctx, v.Next) })
	case v.Freed:
		if name, err := s.farm.HostName(done.GetHost().GetName()); err == nil {
			s.bookPass(name)
		}
	}
}

// logProblems says what a real Cuebot would drop without a word, once until it changes.
func (s *Server) logProblems(host string, problems []string) {
	text := strings.Join(problems, "; ")
	s.mu.Lock()
	known := s.said[host] == text
	s.said[host] = text
	s.mu.Unlock()
	if !known && text != "" {
		s.log.Warn().Str("host", host).Str("problem", text).Msg("report is not right for a real Cuebot")
	}
}
