package suite

import (
	"time"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// What the tests of other clients need of a stage.

func (s *Stage) Address() string                       { return s.address }
func (s *Stage) Dir() string                           { return s.dir }
func (s *Stage) Report() *reportpb.HostReport          { return s.report() }
func (s *Stage) Launch(command string) *rqdpb.RunFrame { return s.launch(s.order(command)) }

func (s *Stage) TryLaunch(command string) error                 { return s.tryLaunch(s.order(command)) }
func (s *Stage) Wait(f *rqdpb.RunFrame, text string)            { s.logs(f, text) }
func (s *Stage) Log(f *rqdpb.RunFrame) string                   { return s.log(f) }
func (s *Stage) Kill(f *rqdpb.RunFrame)                         { _ = s.kill(f, "over") }
func (s *Stage) Gone()                                          { s.gone(removal) }
func (s *Stage) Killed(f *rqdpb.RunFrame)                       { s.wantKilled(f, deathTime) }
func (s *Stage) Poll(within time.Duration, is func() bool) bool { return s.poll(within, is) }
func (s *Stage) Ended() (code int, ended bool)                  { code, ended, _ = s.rqd.Ended(); return }

var (
	NewRegistry = newRegistry
	Expand      = expand
)
