package suite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// everyCall is probe 31. Those that end RQD are probe 32's.
func everyCall(s *Stage) {
	f := s.launch(s.order("sleep 300"))
	ask := func(frameID string) []func() error {
		return []func() error{
			func() error {
				r, err := s.RQD.GetRunFrame(s.call(), &rqdpb.RqdStaticGetRunFrameRequest{FrameId: frameID})
				if err == nil && r.GetRunFrame().GetCommand() != f.GetCommand() {
					return errors.New("another frame")
				}
				return err
			},
			func() error {
				_, err := s.Old.Status(s.call(), &rqdpb.RunningFrameStatusRequest{RunFrame: &rqdpb.RunFrame{FrameId: frameID}})
				return err
			},
			func() error {
				_, err := s.Old.Kill(s.call(), &rqdpb.RunningFrameKillRequest{RunFrame: &rqdpb.RunFrame{FrameId: frameID}, Message: "old way"})
				return err
			},
		}
	}
	for i, call := range ask(uuid()) {
		if c := status.Code(call()); c != codes.NotFound && c != codes.Unimplemented {
			s.Errorf("old call %d for an unknown frame: have %v, want %v", i+1, c, codes.NotFound)
		}
	}
	for i, call := range ask(f.GetFrameId()) {
		if c := status.Code(call()); c != codes.OK && c != codes.Unimplemented {
			s.Errorf("old call %d for a running frame: have %v, want OK", i+1, c)
		}
	}
	for name, call := range map[string]func() error{
		"NimbyOn":  func() error { _, err := s.RQD.NimbyOn(s.call(), &rqdpb.RqdStaticNimbyOnRequest{}); return err },
		"NimbyOff": func() error { _, err := s.RQD.NimbyOff(s.call(), &rqdpb.RqdStaticNimbyOffRequest{}); return err },
		"RestartRqdNow": func() error {
			_, err := s.RQD.RestartRqdNow(s.call(), &rqdpb.RqdStaticRestartNowRequest{})
			return err
		},
		"RestartRqdIdle": func() error {
			_, err := s.RQD.RestartRqdIdle(s.call(), &rqdpb.RqdStaticRestartIdleRequest{})
			return err
		},
	} {
		if err := call(); err != nil {
			s.Errorf("%s: have %v, want OK", name, err)
		}
	}
	if h := s.report().GetHost(); h.GetNimbyEnabled() || h.GetNimbyLocked() {
		s.Errorf("nimby is on after NimbyOn, want a host without it")
	}
}

// shutdowns is probe 32: the calls that end RQD are answered, and RQD ends with 0.
func shutdowns(s *Stage) {
	for i, end := range []struct {
		name string
		call func() error
	}{
		{"ShutdownRqdNow", func() error {
			_, err := s.RQD.ShutdownRqdNow(s.call(), &rqdpb.RqdStaticShutdownNowRequest{})
			return err
		}},
		{"RebootNow", func() error {
			_, err := s.RQD.RebootNow(s.call(), &rqdpb.RqdStaticRebootNowRequest{})
			return err
		}},
		{"ShutdownRqdIdle", func() error {
			_, err := s.RQD.ShutdownRqdIdle(s.call(), &rqdpb.RqdStaticShutdownIdleRequest{})
			return err
		}},
		{"RebootIdle", func() error {
			_, err := s.RQD.RebootIdle(s.call(), &rqdpb.RqdStaticRebootIdleRequest{})
			return err
		}},
	} {
		f := s.launch(s.order("echo begun; sleep 2; exit 3"))
		s.logs(f, "begun\n")
		// A connection that breaks is what the Python RQD's clients are used to.
		if c := status.Code(end.call()); c != codes.OK && c != codes.Unavailable {
			s.Errorf("%s: have %v, want OK", end.name, c)
		}
		code, ended, known := 0, false, false
		s.poll(patience, func() bool {
			code, ended, known = s.rqd.Ended()
			return !known || ended
		})
		if known && (!ended || code != 0) {
			s.Errorf("%s: RQD ended %v with %d, want an end with 0", end.name, ended, code)
		}
		if !known {
			s.poll(patience, func() bool { return !s.answers(0) })
		}
		idle := strings.HasSuffix(end.name, "Idle")
		if idle && lines(logPath(f)) > 0 && !strings.Contains(s.log(f), "RenderQ Job Complete") {
			s.Errorf("%s: RQD ended before its frame", end.name)
		}
		s.start()
		s.booted(i + 2)
		s.wantExit(end.name+": the frame", s.ended(f, patience), 3, 0)
	}
	// What RQD left to the next one is removed in its own time.
	s.gone(2 * time.Minute)
}

// pinning is probe 33.
func pinning(s *Stage) {
	total := s.report().GetCoreInfo().GetTotalCores()
	f := s.launch(s.order("grep Cpus_allowed_list /proc/self/status; env", threadable))
	s.poll(patience, func() bool { return s.completion(f) != nil })
	done := s.ended(f, patience)
	s.wantExit("a threadable frame", done, 0, 0)
	list := done.GetFrame().GetAttributes()["CPU_LIST"]
	if list == "" {
		s.Notef("this host does not pin frames")
	} else {
		allowed := ""
		for line := range strings.Lines(s.log(f)) {
			if v, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
				allowed = expand(strings.TrimSpace(v))
			}
		}
		if allowed != list {
			s.Errorf("the frame may use the CPUs %q, want %q as in its CPU_LIST", allowed, list)
		}
		if n := strings.Count(list, ",") + 1; !s.printed(f, "CUE_THREADS="+strconv.Itoa(n)) {
			s.Errorf("CUE_THREADS is not the %d CPUs of CPU_LIST", n)
		}
	}
	for _, points := range []int32{50, 150} {
		if points > total {
			continue
		}
		s.wantExit(fmt.Sprintf("%d core points", points), s.run("exit 0", withCores(points)), 0, 0)
		s.wantExit(fmt.Sprintf("%d core points, threadable", points), s.run("exit 0", withCores(points), threadable), 0, 0)
	}
}

// expand writes the kernel's list of CPUs without ranges.
func expand(list string) string {
	var out []string
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, _ := strconv.Atoi(first)
		b, _ := strconv.Atoi(last)
		for ; a <= b; a++ {
			out = append(out, strconv.Itoa(a))
		}
	}
	return strings.Join(out, ",")
}

// figures is probe 34: Cuebot sets the next frames' memory from max_rss.
func figures(s *Stage) {
	const mib = 1 << 10
	if rss := s.run("exit 0").GetFrame().GetMaxRss(); rss <= 0 || rss > 50*mib {
		s.Errorf("a frame that does nothing: max_rss is %d kB, want a little", rss)
	}
	if rss := s.run(`x=$(head -c 40000000 /dev/zero | tr '\0' x); echo ${#x}`).GetFrame().GetMaxRss(); rss < 38*mib || rss > 250*mib {
		s.Errorf("a frame that held 40 MB for a moment: max_rss is %d kB", rss)
	}
	texture := filepath.Join(s.dir, "texture")
	if err := errors.Join(os.WriteFile(texture, nil, 0o644), os.Truncate(texture, 300<<20)); err != nil { // #nosec G306 -- the artist reads it.
		s.Fatalf("make file: %v", err)
	}
	if rss := s.run("dd bs=1M of=/dev/null if=" + texture).GetFrame().GetMaxRss(); rss <= 0 || rss > 100*mib {
		s.Errorf("a frame that read 300 MB: max_rss is %d kB, want it without the page cache", rss)
	}
	f := s.launch(s.order("while :; do echo output; sleep 1; done"))
	var seen bool
	s.poll(patience, func() bool {
		l := listed(s.report(), f.GetFrameId())
		seen = l.GetRss() > 0 && l.GetVsize() > 0 && time.Since(time.Unix(l.GetLluTime(), 0)) < 10*time.Second && len(l.GetChildren().GetChildren()) > 0
		return seen
	})
	if !seen {
		s.Errorf("a running frame is listed as %v, want rss, vsize, children and a recent llu_time", listed(s.report(), f.GetFrameId()))
	}
}

// manyFrames is probe 35.
func manyFrames(s *Stage) {
	count := 40
	if s.suite.opts.Full {
		count = 200
	}
	const atOnce = 8
	next := make(chan int)
	var frames sync.WaitGroup
	for range atOnce {
		frames.Go(func() {
			s.perform(func() {
				for range next {
					s.wantExit("true", s.run("true", thin), 0, 0)
				}
			})
		})
	}
	for i := range count {
		select {
		case next <- i:
		case <-time.After(2 * patience):
			s.Errorf("frame %d had to wait for more than %v", i+1, 2*patience)
		}
	}
	close(next)
	frames.Wait()
	s.gone(removal)
	if c := s.report().GetCoreInfo(); c.GetBookedCores() != 0 || unbalanced(c) != nil {
		s.Errorf("after %d frames core_info is %v", count, c)
	}
	if left := s.temporaryFiles(); len(left) > 0 {
		s.Errorf("files are left: %v", left)
	}
}

// temporaryFiles are what the Python RQD needs in /tmp for a frame, of the frames of this check.
func (s *Stage) temporaryFiles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for id := range s.launched {
		files, _ := filepath.Glob("/tmp/rqd-*-" + id + "-*")
		left = append(left, files...)
	}
	return left
}
