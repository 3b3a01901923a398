package suite

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"rqdswarm/rqdcore/cuepb/hostpb"
	"rqdswarm/rqdcore/cuepb/reportpb"
)

// bootFirst is check 1: Cuebot may call back before its boot report has an answer.
func bootFirst(s *Stage) {
	called := make(chan error, 1)
	s.Cue.Reply(func(_ context.Context, a Arrival) Reply {
		if a.Boot != nil && len(called) == 0 {
			_, err := s.tryReport()
			called <- err
		}
		return Reply{}
	})
	s.start()
	boot := s.booted(1).Boot
	if err := <-called; err != nil {
		s.Errorf("ReportStatus inside of the boot report: have %v, want OK", err)
	}
	if s.Cue.Arrivals()[0].Boot == nil {
		s.Errorf("the first report is none of the boot")
	}
	s.wantHost(boot)
}

func (s *Stage) wantHost(boot *reportpb.BootReport) {
	h, c := boot.GetHost(), boot.GetCoreInfo()
	for _, field := range []struct {
		name string
		ok   bool
		have any
		want string
	}{
		{"name", h.GetName() == s.name || s.name == "", h.GetName(), s.name},
		{"facility", h.GetFacility() != "", h.GetFacility(), "one"},
		{"num_procs", h.GetNumProcs() >= 1, h.GetNumProcs(), "at least 1"},
		{
			"cores_per_proc", h.GetCoresPerProc() == c.GetTotalCores()/max(1, h.GetNumProcs()), h.GetCoresPerProc(),
			fmt.Sprintf("%d core points in %d sockets", c.GetTotalCores(), h.GetNumProcs()),
		},
		{"total_mem", h.GetTotalMem() > 0, h.GetTotalMem(), "above 0"},
		{"free_mem", h.GetFreeMem() > 0, h.GetFreeMem(), "above 0"},
		{"total_mcp", h.GetTotalMcp() > 0, h.GetTotalMcp(), "above 0: Cuebot repairs hosts without"},
		{"state", h.GetState() == hostpb.HardwareState_UP, h.GetState(), "UP"},
		{"nimby", !h.GetNimbyEnabled() && !h.GetNimbyLocked(), "on", "off"},
		{"rqdv- tag", slices.ContainsFunc(h.GetTags(), func(t string) bool { return strings.HasPrefix(t, "rqdv-") }), h.GetTags(), "rqdv-VERSION"},
		{"longest tag", !slices.ContainsFunc(h.GetTags(), func(t string) bool { return len(t) > 45 }), h.GetTags(), "at most 45 characters"},
		{"SP_OS", h.GetAttributes()["SP_OS"] == s.systems(), h.GetAttributes()["SP_OS"], s.systems()},
		{"hyperthreadingMultiplier", isInt(h.GetAttributes()["hyperthreadingMultiplier"]), h.GetAttributes()["hyperthreadingMultiplier"], "a number"},
		{"swapout", isInt(h.GetAttributes()["swapout"]), h.GetAttributes()["swapout"], "an integer"},
	} {
		if !field.ok {
			s.Errorf("boot report: %s is %v, want %s", field.name, field.have, field.want)
		}
	}
	for _, tag := range tags {
		if !slices.Contains(h.GetTags(), tag) {
			s.Errorf("boot report: tags are %v, want %s of RQD_TAGS among them", h.GetTags(), tag)
		}
	}
}

// systems is SP_OS as the configuration has it.
func (s *Stage) systems() string {
	var keys []string
	for _, i := range s.images {
		keys = append(keys, i.OS)
	}
	return strings.Join(keys, ",")
}

func isInt(text string) bool {
	_, err := strconv.ParseInt(text, 10, 32)
	return err == nil
}

// bootRetry is check 2.
func bootRetry(s *Stage) {
	s.Cue.Stop()
	s.start()
	if !s.answers(patience) {
		s.Fatalf("RQD's port does not answer while Cuebot is down")
	}
	s.sleep(s.lasts(8*time.Second, 40*time.Second))
	if !s.answers(time.Second) {
		s.Fatalf("RQD's port does not answer after Cuebot was down for a while")
	}
	var refused atomic.Bool
	s.Cue.Reply(func(_ context.Context, a Arrival) Reply {
		if a.Boot != nil && refused.CompareAndSwap(false, true) {
			return Reply{Code: codes.Internal}
		}
		return Reply{}
	})
	if err := s.Cue.Start(); err != nil {
		s.Fatalf("start Cuebot again: %v", err)
	}
	const soon = 20 * time.Second
	back := time.Now()
	if !s.poll(2*soon, func() bool { return len(accepted(s.Cue.Boots())) > 0 }) {
		s.Fatalf("no boot report within %v of Cuebot's return and one INTERNAL", 2*soon)
	}
	if first := s.Cue.Boots()[0].At.Sub(back); first > soon {
		s.Errorf("the first boot report came %v after Cuebot, want at most %v", first.Round(time.Second), soon)
	}
	if !s.poll(patience, func() bool { return len(s.Cue.Hosts()) > 0 }) {
		s.Errorf("no host report after the boot report")
	}
	if n := len(accepted(s.Cue.Boots())); n != 1 {
		s.Errorf("Cuebot took %d boot reports, want one", n)
	}
}

// Bounds of the gaps between host reports, with what a busy machine adds.
const (
	firstGapMin, firstGapMax = 3 * time.Second, 9 * time.Second
	gapMin, gapMax           = 4 * time.Second, 33 * time.Second
)

// cadence is check 3.
func cadence(s *Stage) {
	s.start()
	boot := s.booted(1)
	s.sleep(s.lasts(70*time.Second, 3*time.Minute))
	s.wantGaps(boot.At)
	h := boot.Boot.GetHost()
	for _, a := range s.Cue.Hosts() {
		if name := a.Host.GetHost().GetName(); name != h.GetName() {
			s.Errorf("host report of %q after a boot report of %q", name, h.GetName())
		}
	}
	if want := bootTime(); want != 0 && int64(h.GetBootTime()) != want {
		s.Errorf("boot_time is %d, want the kernel's %d", h.GetBootTime(), want)
	}
	s.terminate()
	s.start()
	if next := s.booted(2).Boot.GetHost(); next.GetBootTime() != h.GetBootTime() || next.GetName() != h.GetName() {
		s.Errorf("after a restart: have %s with boot_time %d, want %s with %d", next.GetName(), next.GetBootTime(), h.GetName(), h.GetBootTime())
	}
}

func (s *Stage) wantGaps(boot time.Time) {
	hosts := s.Cue.Hosts()
	if len(hosts) == 0 {
		s.Fatalf("no host report at all")
	}
	if gap := hosts[0].At.Sub(boot); gap < firstGapMin || gap > firstGapMax {
		s.Errorf("the first host report came %v after the boot report, want about 5 s", gap)
	}
	for i := 1; i < len(hosts); i++ {
		if gap := hosts[i].At.Sub(hosts[i-1].At); gap < gapMin || gap > gapMax {
			s.Errorf("host report %d came %v after the one before, want 5 to 30 s", i+1, gap)
		}
	}
	if gap := time.Since(hosts[len(hosts)-1].At); gap > gapMax {
		s.Errorf("no host report for %v, want one every 5 to 30 s", gap)
	}
}

// bootTime is the kernel's; 0 where it does not tell.
func bootTime() int64 {
	text, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "btime "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}

// look is one answer to ReportStatus: whether it listed a frame.
type look struct {
	at     time.Time
	listed bool
}

// listing is check 6: from acceptance to the end, and while an image is pulled.
func listing(s *Stage) {
	life := s.lasts(12*time.Second, 40*time.Second)
	short := s.launch(s.order(fmt.Sprintf("sleep %d", int(life.Seconds()))))
	pulled := s.launch(s.order("true", withOS(slowOS)))
	began := time.Now()
	looks := map[string][]look{}
	for s.completion(short) == nil || s.completion(pulled) == nil {
		if time.Since(began) > 3*time.Minute {
			s.Fatalf("the frames did not end")
		}
		at := time.Now()
		r := s.report()
		for _, f := range []string{short.GetFrameId(), pulled.GetFrameId()} {
			looks[f] = append(looks[f], look{at, lists(r, f)})
		}
		s.sleep(100 * time.Millisecond)
	}
	s.wantExit("the short frame", s.completion(short), 0, 0)
	s.wantExit("the frame whose image is nowhere", s.completion(pulled), 256, 0)
	s.wantListed("the short frame", looks[short.GetFrameId()], short.GetFrameId(), life-time.Second)
	s.wantListed("the frame whose image is pulled", looks[pulled.GetFrameId()], pulled.GetFrameId(),
		s.lasts(7*time.Second, 64*time.Second))
}

// wantListed holds that the frame was in every report for its life, and in none after its completion.
func (s *Stage) wantListed(what string, looks []look, frameID string, life time.Duration) {
	over := s.Cue.Completions(frameID)[0].At
	began := looks[0].at
	for _, a := range s.Cue.Hosts() {
		// A report that was built before the end may arrive after the completion.
		if a.At.Sub(began) > 0 && a.At.Sub(began) < life || a.At.Sub(over) > time.Second {
			looks = append(looks, look{a.At, lists(a.Host, frameID)})
		}
	}
	for _, l := range looks {
		since := l.at.Sub(began)
		switch {
		case since < life && !l.listed:
			s.Errorf("%s is not listed %v after it was accepted", what, since.Round(100*time.Millisecond))
		case l.at.After(over) && l.listed:
			s.Errorf("%s is still listed %v after its completion", what, l.at.Sub(over).Round(100*time.Millisecond))
		}
	}
}
