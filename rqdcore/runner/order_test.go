package runner

import (
	"errors"
	"os"
	"testing"
	"time"

	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
)

// stuckOutput is a log on a file system that does not answer before the test ends.
type stuckOutput struct{ output }

func (stuckOutput) note([]byte) error                    { select {} }
func (stuckOutput) descriptor() (*os.File, int64, error) { select {} }
func (stuckOutput) updated() int64                       { return 0 }
func (stuckOutput) resume()                              {}
func (stuckOutput) close()                               {}

// TestKillDoesNotWaitForTheOrder kills a frame whose log hangs when its order is about to be sent.
func TestKillDoesNotWaitForTheOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	x := s.runner.newRun(s.job())
	s.leave(x.job, enginetest.Script{})
	x.output = stuckOutput{}
	done := make(chan frame.Exit, 1)
	go func() {
		exit, _ := x.follow(t.Context())
		done <- exit
	}()
	init := s.connect(hello(x.job, wire.PhaseWaiting))
	x.job.Kill("")
	init.want(isKill)
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseKill}})
	if exit := receiveExit(t, done); exit.Reason != frame.ReasonKilled {
		t.Errorf("have %+v, want killed", exit)
	}
}

// TestUnopenedLogIsALoss has a container that waits for its order when its log's directory is gone.
func TestUnopenedLogIsALoss(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := s.job()
	done := s.run(j)
	first := s.connect(hello(j, wire.PhaseWaiting))
	first.want(isOrder)
	if err := errors.Join(os.RemoveAll(s.logs), os.WriteFile(s.logs, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	second := s.connect(hello(j, wire.PhaseWaiting))
	second.want(isKill)
	second.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseKill}})
	if status, _ := receiveExit(t, done).Status(); status != 256 {
		t.Errorf("have status %d, want 256", status)
	}
}

// TestForeignFrameinit has a frame whose frameinit speaks another protocol.
func TestForeignFrameinit(t *testing.T) {
	t.Parallel()
	const because = "link: frameinit speaks another protocol"
	byItself := enginetest.Script{Output: []string{`{"cause":"exit","code":4}`}, Lifetime: time.Second / 2, ExitCode: 4}
	withLease := enginetest.Script{Output: []string{`{"cause":"lease","signal":15,"detail":"no RQD for 280s"}`}, Lifetime: time.Second / 2}
	for name, tc := range map[string]struct {
		script enginetest.Script
		kill   bool
		want   frame.Reason
		detail string
	}{
		"ends by itself":      {byItself, false, frame.ReasonExit, because},
		"ends with its lease": {withLease, false, frame.ReasonLost, "no RQD for 280s; " + because},
		"is killed":           {enginetest.Script{}, true, frame.ReasonKilled, "killed by the engine; " + because},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			j := AdoptJob(s.job().Promise())
			s.leave(j, tc.script)
			done := s.run(j)
			if !eventually(func() bool { return s.runner.hints.has(j.Promise().Container) }) {
				t.Fatal("the frame is not expected")
			}
			s.dial(wire.Hello{Token: j.Promise().Token, Version: wire.Version + 2, Oldest: wire.Version + 1, Phase: wire.PhaseRunning})
			if tc.kill {
				j.Kill("")
			}
			exit := receiveExit(t, done)
			wantText(t, exit.Detail, tc.detail)
			if exit.Reason != tc.want {
				t.Errorf("have %+v, want %s", exit, tc.want)
			}
		})
	}
}
