package suite

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// deadline is how long an RQD may wait for one answer to a completion.
const deadline = 30 * time.Second

// completionRetry is check 18.
func completionRetry(s *Stage) {
	troubled := s.order("exit 2")
	hang := s.lasts(8*time.Second, 2*deadline)
	replies := []Reply{{Code: codes.Unavailable}, {Code: codes.Unavailable}, {Code: codes.Unavailable}, {Code: codes.Internal}, {Hang: hang, Code: codes.Unavailable}}
	var tries atomic.Int64
	hanging := make(chan struct{})
	s.Cue.Reply(func(_ context.Context, a Arrival) Reply {
		if a.Done.GetFrame().GetFrameId() != troubled.GetFrameId() {
			return Reply{}
		}
		n := int(tries.Add(1))
		if n == len(replies) {
			close(hanging)
		}
		if n > len(replies) {
			return Reply{}
		}
		return replies[n-1]
	})
	began := time.Now()
	s.launch(troubled)
	s.wantExit("a frame beside", s.run("exit 0"), 0, 0)
	select {
	case <-hanging:
	case <-time.After(2 * time.Minute):
		s.Fatalf("%d tries to deliver within 2 minutes, want at least %d", tries.Load(), len(replies))
	}
	at := time.Now()
	s.wantExit("a frame that ends while a completion hangs", s.ended(s.launch(s.order("exit 0")), deadline+patience), 0, 0)
	if took := time.Since(at); took > deadline+5*time.Second {
		s.Errorf("a hanging completion delayed another by %v, want at most one deadline of %v", took, deadline)
	}
	s.wantExit("the troubled frame", s.ended(troubled, 2*time.Minute), 2, 0)
	last := began
	for _, a := range s.Cue.Hosts() {
		if gap := a.At.Sub(last); gap > gapMax && a.At.After(began) {
			s.Errorf("no host report for %v meanwhile, want one every 5 to 30 s", gap)
		}
		if a.At.After(last) {
			last = a.At
		}
	}
}

// outageAtEnd is check 19.
func outageAtEnd(s *Stage) {
	f := s.launch(s.order("sleep 3; exit 4"))
	s.Cue.Stop()
	if !s.poll(patience, func() bool { return s.status(f.GetFrameId()) == codes.NotFound }) {
		s.Fatalf("the frame never ended while Cuebot was away")
	}
	s.sleep(s.lasts(8*time.Second, 2*time.Minute))
	if err := s.Cue.Start(); err != nil {
		s.Fatalf("start Cuebot again: %v", err)
	}
	done := s.ended(f, patience)
	s.wantExit("the frame that ended meanwhile", done, 4, 0)
	if r := done.GetRunTime(); r < 2 || r > 6 {
		s.Errorf("run_time is %d s, want the command's 3", r)
	}
}

// locks is check 29.
func locks(s *Stage) {
	before := s.report().GetCoreInfo()
	total := before.GetTotalCores()
	s.Cue.Stop()
	do := func(what string, call func() error) {
		begin := time.Now()
		if err := call(); err != nil {
			s.Errorf("%s while Cuebot is away: have %v, want OK", what, err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			s.Errorf("%s while Cuebot is away took %v", what, took)
		}
	}
	want := func(when string, idle, locked int32) {
		c := s.report().GetCoreInfo()
		if c.GetIdleCores() != idle || c.GetLockedCores() != locked {
			s.Errorf("%s: have idle %d, locked %d, want %d, %d", when, c.GetIdleCores(), c.GetLockedCores(), idle, locked)
		}
		if c.GetIdleCores() > total-c.GetBookedCores() {
			s.Errorf("%s: idle is %d with %d of %d booked", when, c.GetIdleCores(), c.GetBookedCores(), total)
		}
	}
	lockAll := func() error {
		_, err := s.RQD.LockAll(s.call(), &rqdpb.RqdStaticLockAllRequest{})
		return err
	}
	unlockAll := func() error {
		_, err := s.RQD.UnlockAll(s.call(), &rqdpb.RqdStaticUnlockAllRequest{})
		return err
	}
	do("Lock(100)", func() error {
		_, err := s.RQD.Lock(s.call(), &rqdpb.RqdStaticLockRequest{Cores: 100})
		return err
	})
	want("Lock(100)", total-100, 100)
	do("LockAll", lockAll)
	want("LockAll", 0, total)
	for _, f := range []*rqdpb.RunFrame{s.order("true"), s.order("true", threadable)} {
		if s.tryLaunch(f) == nil {
			s.Errorf("a locked host accepted a frame, threadable %s", f.GetEnvironment()["CUE_THREADABLE"])
		}
	}
	do("UnlockAll", unlockAll)
	want("UnlockAll", total, 0)
	running := s.launch(s.order("sleep 300"))
	do("LockAll over a frame", lockAll)
	do("UnlockAll over a frame", unlockAll)
	want("UnlockAll over a frame", total-100, 0)
	do("Unlock(-5)", func() error {
		_, err := s.RQD.Unlock(s.call(), &rqdpb.RqdStaticUnlockRequest{Cores: -5})
		return err
	})
	want("Unlock(-5)", total-100, 0)
	s.cancelledShutdown(running, do, unlockAll)
}

// cancelledShutdown takes back a shutdown that waits for a frame, whose end must not end RQD then.
func (s *Stage) cancelledShutdown(running *rqdpb.RunFrame, do func(string, func() error), unlockAll func() error) {
	do("ShutdownRqdIdle", func() error {
		_, err := s.RQD.ShutdownRqdIdle(s.call(), &rqdpb.RqdStaticShutdownIdleRequest{})
		return err
	})
	do("UnlockAll after ShutdownRqdIdle", unlockAll)
	if err := s.kill(running, "over"); err != nil {
		s.Errorf("kill: %v", err)
	}
	if !s.poll(patience, func() bool { return s.status(running.GetFrameId()) == codes.NotFound }) {
		s.Errorf("the killed frame never ended")
	}
	s.sleep(2 * time.Second)
	if !s.answers(time.Second) {
		s.Fatalf("RQD shut down although that was taken back")
	}
	next := s.launch(s.order("exit 0"))
	if err := s.Cue.Start(); err != nil {
		s.Fatalf("start Cuebot again: %v", err)
	}
	s.wantKilled(running, patience)
	s.wantExit("a frame launched while Cuebot was away", s.ended(next, patience), 0, 0)
}
