package suite

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

func withOS(os string) func(*rqdpb.RunFrame) { return func(f *rqdpb.RunFrame) { f.Os = os } }

func withCores(points int32) func(*rqdpb.RunFrame) {
	return func(f *rqdpb.RunFrame) { f.NumCores = points }
}

func threadable(f *rqdpb.RunFrame) { f.Environment["CUE_THREADABLE"] = "1" }

// happyPath is check 4.
func happyPath(s *Stage) {
	f := s.order("exit 0")
	begin := time.Now()
	s.launch(f)
	if took := time.Since(begin); took > time.Second {
		s.Errorf("LaunchFrame took %v, want under 1 s", took)
	}
	done := s.ended(f, patience)
	s.wantExit("exit 0", done, 0, 0)
	have := done.GetFrame()
	want := &reportpb.RunningFrameInfo{
		ResourceId: f.GetResourceId(), JobId: f.GetJobId(), JobName: f.GetJobName(), FrameId: f.GetFrameId(),
		FrameName: f.GetFrameName(), LayerId: f.GetLayerId(), NumCores: f.GetNumCores(), StartTime: f.GetStartTime(),
	}
	echoed := &reportpb.RunningFrameInfo{
		ResourceId: have.GetResourceId(), JobId: have.GetJobId(), JobName: have.GetJobName(), FrameId: have.GetFrameId(),
		FrameName: have.GetFrameName(), LayerId: have.GetLayerId(), NumCores: have.GetNumCores(), StartTime: have.GetStartTime(),
	}
	if !proto.Equal(echoed, want) {
		s.Errorf("the completion's frame is %v, want %v", echoed, want)
	}
	if h := done.GetHost(); h.GetName() != s.name || h.GetFreeMem() <= 0 || h.GetNimbyLocked() {
		s.Errorf("the completion's host is %q with free_mem %d, want %q with its memory", h.GetName(), h.GetFreeMem(), s.name)
	}
	if r := done.GetRunTime(); r < 0 || r > 10 {
		s.Errorf("run_time is %d s, want the command's", r)
	}
	s.sleep(3 * time.Second)
	s.wantOnce(f)
	s.wantStatus(f, "afterwards", codes.NotFound)
}

// exitCodes is check 5, and ends by a signal.
func exitCodes(s *Stage) {
	s.wantExit("exit 7", s.run("exit 7"), 7, 0)
	s.wantExit("exit 255", s.run("exit 255"), 255, 0)
	s.wantExit("SIGTERM to the command", s.run("kill -TERM $$"), 1, 15)
	s.wantExit("SIGKILL to the command, with memory to spare", s.run("kill -KILL $$"), 1, 9)
	s.wantExit("a command that is not there", s.run("/no/such/program"), 127, 0)
}

// accounting is check 7.
func accounting(s *Stage) {
	before := s.report().GetCoreInfo()
	frames := []*rqdpb.RunFrame{s.order("sleep 4"), s.order("sleep 4")}
	for i, f := range frames {
		if before.GetIdleCores() < int32(100*(i+1)) {
			s.Notef("%d idle core points are too few for two frames", before.GetIdleCores())
			frames = frames[:i]
			break
		}
		s.launch(f)
		now := s.report().GetCoreInfo()
		want := int32(100 * (i + 1))
		if now.GetBookedCores()-before.GetBookedCores() != want || before.GetIdleCores()-now.GetIdleCores() != want {
			s.Errorf("with %d frames of 100: booked %d idle %d after booked %d idle %d", i+1,
				now.GetBookedCores(), now.GetIdleCores(), before.GetBookedCores(), before.GetIdleCores())
		}
	}
	for _, f := range frames {
		s.ended(f, patience)
	}
	if now := s.report().GetCoreInfo(); !proto.Equal(now, before) {
		s.Errorf("after the frames: have %v, want %v as before", now, before)
	}
	s.poll(patience, func() bool { return len(s.Cue.Hosts()) > 0 })
	for _, a := range s.Cue.Hosts() {
		if err := unbalanced(a.Host.GetCoreInfo()); err != nil {
			s.Errorf("host report: %v", err)
		}
	}
}

// releaseFirst is check 8: Cuebot books the next frame from inside of the completion.
func releaseFirst(s *Stage) {
	all := withCores(s.report().GetCoreInfo().GetTotalCores())
	first, second := s.order("exit 0", all), s.order("exit 0", all)
	third := again(first)
	follows := map[int64]*rqdpb.RunFrame{}
	second.StartTime = first.GetStartTime() + 1
	third.StartTime = first.GetStartTime() + 2
	follows[first.GetStartTime()], follows[second.GetStartTime()] = second, third
	s.Cue.Reply(func(_ context.Context, a Arrival) Reply {
		start := a.Done.GetFrame().GetStartTime()
		if next := follows[start]; a.Done != nil && next != nil {
			delete(follows, start)
			if err := s.tryLaunch(next); err != nil {
				s.Errorf("launch inside of the completion of the frame before: have %v, want OK", err)
			}
		}
		return Reply{}
	})
	s.launch(first)
	for _, f := range []*rqdpb.RunFrame{first, second, third} {
		s.wantExit("each", s.ended(f, patience), 0, 0)
	}
}

// rejections is check 9.
func rejections(s *Stage) {
	before := s.report()
	total, gpus := before.GetCoreInfo().GetTotalCores(), before.GetHost().GetNumGpus()
	containers := len(s.containers())
	ran := filepath.Join(s.dir, "ran")
	order := func(edits ...func(*rqdpb.RunFrame)) *rqdpb.RunFrame { return s.order("echo ran >> "+ran, edits...) }
	refused := []*rqdpb.RunFrame{}
	refuse := func(what string, f *rqdpb.RunFrame) {
		refused = append(refused, f)
		if s.tryLaunch(f) == nil {
			s.Errorf("%s: the launch was accepted", what)
		}
	}
	refuse("uid 0", order(func(f *rqdpb.RunFrame) { f.UidOptional = &rqdpb.RunFrame_Uid{Uid: 0} }))
	refuse("num_cores 0", order(withCores(0)))
	refuse("num_cores -100", order(withCores(-100)))
	refuse("more cores than idle", order(withCores(total+100)))
	refuse("more cores than idle, threadable", order(withCores(total+100), threadable))
	refuse("more GPUs than present", order(func(f *rqdpb.RunFrame) { f.NumGpus = gpus + 1 }))
	if now := s.report().GetCoreInfo(); !proto.Equal(now, before.GetCoreInfo()) {
		s.Errorf("after the refusals: have %v, want %v as before", now, before.GetCoreInfo())
	}
	sleeper := s.launch(s.order("sleep 300"))
	if _, err := s.RQD.ShutdownRqdIdle(s.call(), &rqdpb.RqdStaticShutdownIdleRequest{}); err != nil {
		s.Errorf("ShutdownRqdIdle: %v", err)
	}
	refuse("while ShutdownRqdIdle is pending", order())
	if _, err := s.RQD.UnlockAll(s.call(), &rqdpb.RqdStaticUnlockAllRequest{}); err != nil {
		s.Errorf("UnlockAll: %v", err)
	}
	if err := s.kill(sleeper, "over"); err != nil {
		s.Errorf("kill: %v", err)
	}
	s.ended(sleeper, patience)
	s.gone(removal)
	for _, f := range refused {
		if n := len(s.Cue.Completions(f.GetFrameId())); n > 0 {
			s.Errorf("%d completions of a refused frame, want none", n)
		}
	}
	if n := lines(ran); n > 0 || containers > 0 {
		s.Errorf("%d refused frames ran, %d containers were there before, want none", n, containers)
	}
}

// noUID is check 10.
func noUID(s *Stage) {
	f := s.launch(s.order(`echo "uid=$(id -u)"; echo "gid=$(id -g)"`, func(f *rqdpb.RunFrame) { f.UidOptional = nil }))
	s.wantExit("without uid", s.ended(f, patience), 0, 0)
	text := s.log(f)
	if strings.Contains(text, "\nuid=0\n") || !strings.Contains(text, "\nuid=") {
		s.Errorf("a frame without uid ran as root, or not at all: %s", tail(text))
	}
	root := s.order("id -u", func(f *rqdpb.RunFrame) { f.UidOptional = &rqdpb.RunFrame_Uid{Uid: 500} })
	s.launch(root)
	if done := s.ended(root, patience); done.GetExitStatus() == 0 && strings.Contains(s.log(root), "\n0\n") {
		s.Errorf("a frame with uid 500 ran as root")
	}
}

// duplicates is check 11: the same order twice at once, for the same proc and for another.
func duplicates(s *Stage) {
	const rounds, batch = 20, 5
	for first := 0; first < rounds; first += batch {
		var round sync.WaitGroup
		for i := first; i < first+batch; i++ {
			round.Go(func() { s.perform(func() { s.twice(i) }) })
		}
		round.Wait()
	}
}

func (s *Stage) twice(i int) {
	runs := filepath.Join(s.dir, fmt.Sprintf("runs%d", i))
	a := s.order(fmt.Sprintf("echo run >> %s; sleep 1; exit 3", runs), thin)
	b := proto.CloneOf(a)
	if i%2 == 1 {
		b.ResourceId = uuid()
	}
	var answers [2]error
	var calls sync.WaitGroup
	for n, f := range []*rqdpb.RunFrame{a, b} {
		calls.Go(func() { answers[n] = s.tryLaunch(f) })
	}
	calls.Wait()
	winner := a
	switch {
	case answers[0] != nil && answers[1] != nil:
		s.Fatalf("both launches were refused: %v, %v", answers[0], answers[1])
	case answers[0] == nil && answers[1] == nil && i%2 == 1:
		s.Errorf("one frame was accepted for two procs")
	case answers[0] != nil:
		winner = b
	}
	done := s.ended(winner, patience)
	s.wantExit("the frame launched twice", done, 3, 0)
	if have := done.GetFrame().GetResourceId(); have != winner.GetResourceId() {
		s.Errorf("the completion is of resource %s, want that of the accepted launch, %s", have, winner.GetResourceId())
	}
	s.wantOnce(winner)
	if n := lines(runs); n != 1 {
		s.Errorf("the frame ran %d times, want once", n)
	}
	if old, _ := filepath.Glob(logPath(a) + ".*"); len(old) > 0 || strings.Count(s.log(a), "RenderQ JobSpec") != 1 {
		s.Errorf("the second launch touched the log: %v", old)
	}
}

// redispatch is check 24: Cuebot took the completion, its answer got lost, and it books the frame again.
func redispatch(s *Stage) {
	for i, lost := range []Reply{{Cut: true}, {Code: codes.Unavailable}, {Hang: 10 * time.Second}, {Cut: true}} {
		f := s.order("exit 3")
		came := make(chan struct{})
		var once sync.Once
		var open atomic.Bool
		s.Cue.Reply(func(_ context.Context, a Arrival) Reply {
			if a.Done.GetFrame().GetStartTime() == f.GetStartTime() && !open.Load() {
				once.Do(func() { close(came) })
				return lost
			}
			return Reply{}
		})
		s.launch(f)
		select {
		case <-came:
		case <-time.After(patience):
			s.Fatalf("no completion of the first run")
		}
		next := again(f)
		next.Command = "sleep 4; exit 0"
		if err := s.tryLaunch(next); err != nil {
			s.Errorf("launch %d again: have %v (%v), want OK", i+1, err, status.Code(err))
			continue
		}
		at := time.Now()
		open.Store(true)
		s.wantExit("the second run", s.ended(next, patience), 0, 0)
		for _, a := range s.Cue.Completions(f.GetFrameId()) {
			if late := a.At.Sub(at); a.Done.GetFrame().GetStartTime() == f.GetStartTime() && late > 0 {
				s.Errorf("the first run's completion came %v after the second launch was accepted", late)
			}
		}
	}
}
