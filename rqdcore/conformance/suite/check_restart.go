package suite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// killRQD is SIGKILL.
func (s *Stage) killRQD() {
	if c, ok := s.rqd.(*commands); ok && c.kill == "" {
		s.Skipf("needs --kill, the command that ends this RQD with SIGKILL")
	}
	if err := s.rqd.Kill(); err != nil {
		s.Fatalf("SIGKILL to RQD: %v", err)
	}
}

// restartRunning is check 20.
func restartRunning(s *Stage) {
	s.restartUnder("SIGTERM", func() {
		begin := time.Now()
		code := s.terminate()
		if took := time.Since(begin); code != 0 || took > 5*time.Second {
			s.Errorf("SIGTERM: have exit code %d after %v, want 0 within 5 s", code, took.Round(time.Millisecond))
		}
	})
	s.restartUnder("SIGKILL", s.killRQD)
}

// restartUnder ends RQD, lets the frame be for a while, and starts RQD again.
func (s *Stage) restartUnder(what string, end func()) {
	away := s.lasts(2*time.Second, 10*time.Second)
	counted := 5 * int((10*time.Second+away)/time.Second) // In steps of 0.2 s: long enough for a host report afterwards.
	f := s.launch(s.order(fmt.Sprintf("i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; sleep 0.2; done; exit 5", counted)))
	s.logs(f, "line 5\n")
	boots := len(accepted(s.Cue.Boots()))
	end()
	before := running(s.containers())
	s.sleep(away)
	if now := running(s.containers()); strings.Join(now, " ") != strings.Join(before, " ") || len(now) == 0 && s.suite.engine != nil {
		s.Errorf("%s: running containers are %v, want %v untouched", what, now, before)
	}
	var booked *reportpb.HostReport
	var asking sync.Once
	s.Cue.Reply(func(_ context.Context, a Arrival) Reply {
		if a.Boot != nil {
			asking.Do(func() { booked, _ = s.tryReport() })
		}
		return Reply{}
	})
	s.start()
	boot := s.booted(boots + 1)
	if booked.GetCoreInfo().GetBookedCores() != 100 || !lists(booked, f.GetFrameId()) {
		s.Errorf("%s: at the boot report %d core points are booked, want the frame's 100", what, booked.GetCoreInfo().GetBookedCores())
	}
	s.wantAdopted(what, f, boot.At)
	done := s.ended(f, 2*patience)
	s.wantExit(what, done, 5, 0)
	if r := done.GetRunTime(); int(r) < counted/5-1 || int(r) > counted/5+15 {
		s.Errorf("%s: run_time is %d s, want the command's from its original start, %d or a little more", what, r, counted/5)
	}
	s.wantWholeLog(what, f, counted)
}

func running(list []engine.Container) []string {
	var ids []string
	for _, c := range list {
		if c.State == engine.StateRunning {
			ids = append(ids, c.ID[:12])
		}
	}
	return ids
}

func (s *Stage) wantAdopted(what string, f *rqdpb.RunFrame, boot time.Time) {
	var first *reportpb.RunningFrameInfo
	if !s.poll(patience, func() bool {
		for _, a := range s.Cue.Hosts() {
			if a.At.After(boot) {
				first = listed(a.Host, f.GetFrameId())
				return true
			}
		}
		return false
	}) {
		s.Fatalf("%s: no host report after the restart", what)
	}
	if first.GetResourceId() != f.GetResourceId() || first.GetStartTime() != f.GetStartTime() || first.GetLayerId() != f.GetLayerId() {
		s.Errorf("%s: the first host report after the restart lists %v, want resource %s since %d", what, first, f.GetResourceId(), f.GetStartTime())
	}
}

// wantWholeLog holds that the log has every line once, in its order, in one file.
func (s *Stage) wantWholeLog(what string, f *rqdpb.RunFrame, counted int) {
	text, next := s.log(f), 1
	for line := range strings.Lines(text) {
		var n int
		if _, err := fmt.Sscanf(line, "line %d\n", &n); err != nil {
			continue
		}
		if n != next {
			s.Errorf("%s: the log has line %d where %d is expected", what, n, next)
			return
		}
		next++
	}
	if old, _ := filepath.Glob(logPath(f) + ".*"); next != counted+1 || strings.Count(text, "RenderQ JobSpec") != 1 || len(old) > 0 {
		s.Errorf("%s: the log has %d of %d lines, %d headers, old logs %v", what, next-1, counted, strings.Count(text, "RenderQ JobSpec"), old)
	}
	if !strings.Contains(text, "RenderQ Job Complete") {
		s.Errorf("%s: the log has no footer", what)
	}
}

// endWhileAway is check 21.
func endWhileAway(s *Stage) {
	f := s.launch(s.order("echo begun; sleep 2; echo the end; exit 3"))
	s.logs(f, "begun\n")
	s.terminate()
	s.sleep(s.lasts(6*time.Second, 65*time.Second))
	s.start()
	done := s.ended(f, patience)
	s.wantExit("a frame that ended while RQD was away", done, 3, 0)
	if r := done.GetRunTime(); r < 1 || r > 5 {
		s.Errorf("run_time is %d s, want the command's 2", r)
	}
	if text := s.log(f); !strings.Contains(text, "the end\n") || !strings.Contains(text, "RenderQ Job Complete") {
		s.Errorf("the log is not complete: %s", tail(text))
	}
	s.gone(removal)
	s.sleep(time.Second)
	s.wantOnce(f)
}

// killAfterRestart is check 22: from the first moment that the port answers.
func killAfterRestart(s *Stage) {
	killed, polled := s.launch(s.order("echo begun; sleep 300")), s.launch(s.order("echo begun; sleep 300"))
	s.logs(killed, "begun\n")
	s.logs(polled, "begun\n")
	s.killRQD()
	done := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			if c := s.status(polled.GetFrameId()); c == codes.NotFound {
				s.Errorf("GetRunningFrameStatus of an adopted frame was answered %v", c)
			}
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	s.start()
	code := codes.Unavailable
	s.poll(patience, func() bool {
		code = status.Code(s.kill(killed, "right after the restart"))
		return code != codes.Unavailable
	})
	if code != codes.OK {
		s.Errorf("kill of an adopted frame: have %v, want OK", code)
	}
	s.wantKilled(killed, 2*deathTime)
	close(done)
	asking.Wait()
	s.wantStatus(polled, "after the restart", codes.OK)
}

// crashes is check 23: RQD dies at any moment of the first second of a frame.
func crashes(s *Stage) {
	rounds := 10
	if s.suite.opts.Full {
		rounds = 30
	}
	const each = 3
	for round := range rounds {
		boots := len(accepted(s.Cue.Boots()))
		var frames []*rqdpb.RunFrame
		for i := range each {
			runs := filepath.Join(s.dir, fmt.Sprintf("runs-%d-%d", round, i))
			f := s.order(fmt.Sprintf("echo run >> %s; sleep 0.3; exit 5", runs), thin)
			if err := s.tryLaunch(f); err != nil {
				s.Errorf("launch: %v", err)
				continue
			}
			frames = append(frames, f)
			s.sleep(time.Duration(rand.IntN(1000/each)) * time.Millisecond)
		}
		s.killRQD()
		s.start()
		s.booted(boots + 1)
		for i, f := range frames {
			s.wantOneRun(f, filepath.Join(s.dir, fmt.Sprintf("runs-%d-%d", round, i)))
		}
	}
	// What a crash left over is removed in RQD's own time.
	s.gone(2 * time.Minute)
}

func (s *Stage) wantOneRun(f *rqdpb.RunFrame, runs string) {
	done := s.ended(f, patience)
	n := lines(runs)
	switch exit := done.GetExitStatus(); {
	case exit == 5 && n == 1:
	case exit == 256 && n <= 1:
	default:
		s.Errorf("a frame over a crash ran %d times and ended with %d, want one run and 5, or 256", n, exit)
	}
	s.wantStatus(f, "after the end", codes.NotFound)
}
