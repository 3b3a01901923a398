package server

import (
	"context"

	"rqdswarm/rqdcore/minicue/farm"
)

// pass is a booking round over one host. There is one at a time for each host, like Cuebot's:
// it launches one frame after the other and ends at the first that is refused.
type pass struct{ again bool }

// BookAll starts a booking pass on every host that takes frames.
func (s *Server) BookAll() {
	for _, h := range s.farm.HostNames() {
		s.bookPass(h)
	}
}

// bookPass starts a pass, or lets the one that goes on begin again.
func (s *Server) bookPass(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.passes[host]; p != nil {
		p.again = true
		return
	}
	p := &pass{}
	s.passes[host] = p
	s.work.Go(func() {
		for more := true; more; more = s.nextPass(host, p) {
			s.book(host)
		}
	})
}

func (s *Server) nextPass(host string, p *pass) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.again && s.ctx.Err() == nil {
		p.again = false
		return true
	}
	delete(s.passes, host)
	return false
}

func (s *Server) book(host string) {
	for s.ctx.Err() == nil {
		o, ok := s.farm.Book(host)
		if !ok || !s.launch(s.ctx, o) {
			return
		}
	}
}

// launch sends an order and says whether the host took it. After any error, also one that
// leaves the outcome open, the frame is killed there: Cuebot's way to be sure.
func (s *Server) launch(ctx context.Context, o farm.Order) bool {
	err := s.launchFrame(ctx, o)
	if err == nil {
		s.farm.Launched(o)
		s.log.Info().Str("host", o.Host).Str("frame", o.FrameName).Str("frame_id", o.FrameID).
			Str("resource_id", o.ResourceID).Msg("frame launched")
		return true
	}
	reason := s.explain(ctx, o.Host, err)
	s.log.Warn().Str("host", o.Host).Str("frame", o.FrameName).Str("frame_id", o.FrameID).
		Str("reason", reason).Msg("frame refused")
	s.kill(ctx, s.farm.Refused(o, reason))
	return false
}

// kill carries one kill out and lets the farm know.
func (s *Server) kill(ctx context.Context, k farm.Kill) farm.KillOutcome {
	outcome, err := s.killFrame(ctx, k)
	s.log.Info().Str("host", k.Host).Str("frame", k.Frame).Str("frame_id", k.FrameID).Str("why", string(k.Why)).AnErr("answer", err).Msg("frame killed")
	s.farm.Killed(k, outcome)
	return outcome
}

// Sweep does at once what the server does every 30 s: it looks for hosts and frames that
// have not been heard of, and sees to what is to be killed.
func (s *Server) Sweep() {
	kills := s.farm.Sweep()
	for _, k := range kills {
		s.work.Go(func() {
			s.kill(s.ctx, k)
			s.BookAll()
		})
	}
}
