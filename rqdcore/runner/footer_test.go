package runner

import (
	"os"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/rqlog"
)

// TestOneFooter takes over a frame whose container is gone, as after the death of an RQD
// between the footer and the completion, or before the new run's log was made.
func TestOneFooter(t *testing.T) {
	t.Parallel()
	header := rqlog.Header(rqlog.HeaderInfo{HostName: "render01"})
	footer := rqlog.Footer(rqlog.FooterInfo{HostName: "render01", ExitStatus: 7, End: time.Now()})
	for name, tc := range map[string]struct {
		before []byte
		want   string // The only exit status in the log.
	}{
		"footer is there":  {append(header, footer...), "exitStatus          7"},
		"only the header":  {header, "exitStatus          256"},
		"no log was there": {nil, "exitStatus          256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			j := AdoptJob(s.job().Promise())
			if tc.before != nil {
				if err := os.WriteFile(rqlog.Path(j.Promise().Frame), tc.before, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if exit := receiveExit(t, s.run(j)); exit.Reason != frame.ReasonLost {
				t.Errorf("have %+v, want lost", exit)
			}
			text := s.rqlog()
			if strings.Count(text, "RenderQ Job Complete") != 1 || !strings.Contains(text, tc.want) {
				t.Errorf("want one footer with %q:\n%s", tc.want, text)
			}
		})
	}
}

// TestFooterOfAnEndWithoutRQD takes over a frame that ended while RQD was away: its footer has the command's start.
func TestFooterOfAnEndWithoutRQD(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := AdoptJob(s.job().Promise())
	ended := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	record := wire.AppendRecord(nil, wire.Exit{Cause: wire.CauseExit, UnixMillis: ended.UnixMilli(), RunMillis: time.Hour.Milliseconds()})
	s.leave(j, enginetest.Script{Output: []string{string(record)}, Lifetime: -1})
	receiveExit(t, s.run(j))
	wantText(t, s.rqlog(), "startTime           Sun Mar  1 11:00:00 2026", "endTime             Sun Mar  1 12:00:00 2026")
}

// TestLogLimitIsAKillMessage gives the tools that look for the reason of an end what they look for.
func TestLogLimitIsAKillMessage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := s.job()
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	init.want(isOrder)
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseLogLimit, Detail: "the rqlog is full"}})
	receiveExit(t, done)
	wantText(t, s.rqlog(), "exitStatus          287", "killMessage         the rqlog is full")
}

// TestAdoptedFrameOfAForgottenSystem takes over a frame whose os is no longer configured, before it was ordered: it
// runs as its artist.
func TestAdoptedFrameOfAForgottenSystem(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.job().Promise()
	p.Frame.OS = "rocky9"
	j := AdoptJob(p)
	s.leave(j, enginetest.Script{})
	s.runner.cfg.Policy.Images = []Image{{"debian12", "debian:12"}}
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	order, _ := init.want(isOrder)
	if order.Order.UID != 1500 || order.Order.GID != 20 || order.Order.Command != "render 1" {
		t.Errorf("have order %+v, want `render 1` as 1500:20", order.Order)
	}
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}})
	receiveExit(t, done)
}
