package suite

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// deathTime is how soon a killed frame has to be over: Cuebot confirms an orphan's death for 5 s.
const deathTime = 5 * time.Second

// wantKilled waits for the end of a killed frame, which must not look like a lack of memory.
func (s *Stage) wantKilled(f *rqdpb.RunFrame, within time.Duration) {
	done := s.ended(f, within)
	if exit, signal := done.GetExitStatus(), done.GetExitSignal(); exit != 1 || signal != 9 && signal != 15 {
		s.Errorf("a killed frame: have exit (%d, %d), want (1, 9)", exit, signal)
	}
	s.wantOnce(f)
	s.wantStatus(f, "after the end", codes.NotFound)
}

// killRunning is check 12, with a message as Cuebot writes them.
func killRunning(s *Stage) {
	f := s.launch(s.order("echo begun; sleep 300"))
	s.logs(f, "begun\n")
	s.wantStatus(f, "before the kill", codes.OK)
	message := "User: td, Pid: 1, Hostname: desk, Reason: wrong camera\n\nFrame {\n  name: 0001-layer\n}\n"
	begin := time.Now()
	if err := s.kill(f, message); err != nil {
		s.Errorf("kill: have %v, want OK", err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		s.Errorf("the kill took %v, want under 2 s", took)
	}
	s.wantKilled(f, deathTime)
	if !strings.Contains(s.log(f), "killMessage         User: td") {
		s.Errorf("the footer does not tell the kill's message: %s", tail(s.log(f)))
	}
	s.gone(removal)
}

// killUnknown is check 13.
func killUnknown(s *Stage) {
	if have := status.Code(s.kill(s.order("never launched"), "message")); have != codes.NotFound {
		s.Errorf("kill of an unknown frame: have %v, want %v", have, codes.NotFound)
	}
	f := s.launch(s.order("echo begun; sleep 300"))
	s.logs(f, "begun\n")
	if err := s.kill(f, ""); err != nil {
		s.Errorf("kill without message: have %v, want OK", err)
	}
	_ = s.kill(f, "a second kill changes nothing")
	s.wantKilled(f, deathTime)
}

// killPreparing is check 14.
func killPreparing(s *Stage) {
	pulled := s.launch(s.order("sleep 300", withOS(slowOS), thin))
	const rounds, batch = 20, 5
	for first := 0; first < rounds; first += batch {
		var round sync.WaitGroup
		for i := first; i < first+batch; i++ {
			round.Go(func() { s.perform(func() { s.killAfter(time.Duration(i) * 10 * time.Millisecond) }) })
		}
		round.Wait()
	}
	if s.completion(pulled) != nil {
		s.Notef("the kill during a pull came too late: the pull was over")
		return
	}
	if err := s.kill(pulled, "while the image is pulled"); err != nil {
		s.Errorf("kill during a pull: have %v, want OK", err)
	}
	s.wantKilled(pulled, deathTime)
	s.gone(removal)
	if !s.answers(time.Second) {
		s.Errorf("RQD does not answer any more")
	}
}

func (s *Stage) killAfter(d time.Duration) {
	f := s.launch(s.order("sleep 300", thin))
	s.sleep(d)
	if err := s.kill(f, "early"); err != nil {
		s.Errorf("kill %v after the launch: have %v, want OK", d, err)
	}
	s.wantKilled(f, 2*deathTime)
}

// killDetached is check 15.
func killDetached(s *Stage) {
	mark := "conformance-" + uuid()
	child := fmt.Sprintf("trap '' TERM; while :; do sleep 600; done; : %s", mark)
	f := s.launch(s.order(fmt.Sprintf(`setsid sh -c "%[1]s" & (setsid sh -c "%[1]s" &) ; sh -c "%[1]s"; :`, child)))
	s.sees(mark, 3)
	if err := s.kill(f, "all of it"); err != nil {
		s.Errorf("kill: have %v, want OK", err)
	}
	s.wantKilled(f, deathTime)
	if n := processes(mark); n > 0 {
		s.Errorf("%d processes of the frame outlive its completion", n)
	}
}

// statusPolls is check 16.
func statusPolls(s *Stage) {
	mark := "conformance-" + uuid()
	f := s.launch(s.order(fmt.Sprintf("sh -c 'while :; do sleep 600; done; : %s'; :", mark)))
	var seen []codes.Code
	poll := func(d time.Duration) bool {
		for end := time.Now().Add(d); time.Now().Before(end); s.sleep(100 * time.Millisecond) {
			seen = append(seen, s.status(f.GetFrameId()))
			if seen[len(seen)-1] == codes.NotFound {
				return true
			}
		}
		return false
	}
	if poll(time.Second) {
		s.Fatalf("NOT_FOUND while the frame runs")
	}
	s.sees(mark, 1)
	if err := s.kill(f, "polled"); err != nil {
		s.Errorf("kill: have %v, want OK", err)
	}
	if !poll(2 * deathTime) {
		s.Errorf("no NOT_FOUND within %v of the kill", 2*deathTime)
	}
	if n := processes(mark); n > 0 {
		s.Errorf("NOT_FOUND while %d processes of the frame run", n)
	}
	for _, c := range slices.Compact(seen) {
		if c != codes.OK && c != codes.NotFound {
			s.Errorf("a poll was answered %v, want OK, then %v", c, codes.NotFound)
		}
	}
	// Its process 1 has told that all is over and is on its own way out; a busy engine notices late.
	if !s.poll(removal, func() bool {
		return !slices.ContainsFunc(s.containers(), func(c engine.Container) bool { return c.State == engine.StateRunning })
	}) {
		s.Errorf("NOT_FOUND, and still containers %v", names(s.containers()))
	}
}

// outOfMemory is check 17.
func outOfMemory(s *Stage) {
	small := func(f *rqdpb.RunFrame) { f.SoftMemoryLimit, f.HardMemoryLimit = 24<<10, 32<<10 }
	done := s.run("tail /dev/zero", small)
	if exit, signal := done.GetExitStatus(), done.GetExitSignal(); exit != 137 && exit != 33 && signal != 33 {
		s.Errorf("a frame that ran out of memory: have exit (%d, %d), want (137, 0)", exit, signal)
	}
	s.wantExit("a frame whose child ran out of memory", s.run("tail /dev/zero; exit 0", small), 0, 0)
}
