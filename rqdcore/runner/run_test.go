package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
)

func isOrder(m wire.Message) bool { return m.Order != nil }
func isKill(m wire.Message) bool  { return m.Kill != nil }

func hello(j *Job, phase wire.Phase) wire.Hello {
	return wire.Hello{Token: j.Promise().Token, Phase: phase}
}

func TestFrameRuns(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := s.job()
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	order, log := init.want(isOrder)
	if order.Order.Command != "render 1" || order.Order.UID != 1500 || order.Order.GID != 20 {
		t.Errorf("have order %+v, want `render 1` as 1500:20", order.Order)
	}
	if log == nil {
		t.Fatal("the order came without the rqlog")
	}
	if _, err := log.WriteString("output of the command\n"); err != nil {
		t.Fatal(err)
	}
	init.send(wire.Message{Started: &wire.Started{PID: 7, UnixMillis: time.Now().UnixMilli()}})
	init.send(wire.Message{Figures: &wire.Figures{RSS: 500, MaxRSS: 900}})
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit, Code: 7, RunMillis: 4200, Figures: wire.Figures{MaxRSS: 800}}})
	exit := receiveExit(t, done)
	if exit.Reason != frame.ReasonExit || exit.Code != 7 || exit.RunTime != 4200*time.Millisecond {
		t.Errorf("have %+v, want code 7 after 4.2 s", exit)
	}
	if exit.Figures.MaxRSS != 900 || j.Running().Figures.MaxRSS != 900 {
		t.Errorf("have peak %d, want the largest ever seen, 900", exit.Figures.MaxRSS)
	}
	text := s.rqlog()
	wantText(t, text, "RenderQ JobSpec", "output of the command\n", "exitStatus          7")
	if strings.Index(text, "Container ") > strings.Index(text, "output of the command") {
		t.Error("the start notice stands below the output")
	}
	if a := j.Running().Attributes; len(a["container_id"]) != 12 {
		t.Errorf("have attributes %v, want a container_id of 12 digits", a)
	}
}

func TestKillOfRunningFrame(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := s.job()
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	init.want(isOrder)
	j.Kill("User: td, Reason: wrong camera")
	kill, _ := init.want(isKill)
	if kill.Kill.GraceMillis != 2000 {
		t.Errorf("have a grace of %d ms, want 2000", kill.Kill.GraceMillis)
	}
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseKill, Signal: 15}})
	if exit := receiveExit(t, done); exit.Reason != frame.ReasonKilled {
		t.Errorf("have %+v, want killed", exit)
	}
	wantText(t, s.rqlog(), "wrong camera")
}

func TestKillBeforeTheContainer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.runner.cfg.Policy.Images = []Image{{"rocky9", "slow.example/rocky9:1"}}
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.runner.cfg.Images = NewImages(&slowStore{Fake: s.engine, release: release}, nil, s.runner.cfg.Log)
	j := s.job()
	done := s.run(j)
	j.Kill("not needed any more")
	if exit := receiveExit(t, done); exit.Reason != frame.ReasonKilled {
		t.Errorf("have %+v, want killed", exit)
	}
	if have := s.containers(); len(have) != 0 {
		t.Errorf("have containers %v, want none", have)
	}
}

// slowStore has a registry that does not answer.
type slowStore struct {
	*enginetest.Fake
	release chan struct{}
}

func (s *slowStore) Pull(context.Context, engine.PullRequest) (string, error) {
	<-s.release
	return "", errors.New("test is over")
}

func TestLaunchFailuresAreExplained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*stage)
		want  string
	}{
		"image nowhere": {func(s *stage) { s.runner.cfg.Policy.Images = []Image{{"x", "nowhere.example/x:1"}} }, "nowhere.example/x:1"},
		"no os":         {func(s *stage) { s.runner.cfg.Policy.Images = nil }, "no image is configured"},
		"create fails":  {func(s *stage) { s.engine.Fail("Create", engine.ErrInvalid) }, "create container of image rocky9:1"},
		"start fails":   {func(s *stage) { s.engine.Fail("Start", engine.ErrInvalid) }, "start container of image rocky9:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			tc.spoil(s)
			exit := receiveExit(t, s.run(s.job()))
			if exit.Reason != frame.ReasonLaunch || !strings.Contains(exit.Detail, tc.want) {
				t.Errorf("have %+v, want a failed launch that says %q", exit, tc.want)
			}
			wantText(t, s.rqlog(), tc.want, "exitStatus          256")
			if have := s.containers(); len(have) != 0 {
				t.Errorf("have containers %v, want none", have)
			}
		})
	}
}

// TestCreateWithLostAnswer has the engine make the container without saying so: it is found by its name, and used.
func TestCreateWithLostAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.engine.FailAfter("Create", engine.ErrUnavailable)
	s.engine.FailAfter("Start", engine.ErrUnavailable)
	j := s.job()
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	init.want(isOrder)
	if have := s.containers(); len(have) != 1 || have[0].State != engine.StateRunning {
		t.Errorf("have containers %v, want one that runs", have)
	}
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}})
	receiveExit(t, done)
}

// TestNameInUse meets another's container of the same name, which goes meanwhile, as one that is being removed does.
func TestNameInUse(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := s.job()
	id, _, err := s.engine.Create(t.Context(), engine.Spec{Name: j.Promise().Container, Image: "rocky9:1"})
	if err != nil {
		t.Fatal(err)
	}
	done := s.run(j)
	refused := func() bool {
		return slices.ContainsFunc(s.engine.Calls(), func(c enginetest.Call) bool { return c.Method == "Inspect" })
	}
	if !eventually(refused) {
		t.Fatal("the container was never looked for by its name")
	}
	if err := s.engine.Remove(t.Context(), id, engine.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	init := s.connect(hello(j, wire.PhaseWaiting))
	init.want(isOrder)
	if have := s.containers(); len(have) != 1 || have[0].State != engine.StateRunning {
		t.Errorf("have containers %v, want the frame's own, running", have)
	}
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}})
	if exit := receiveExit(t, done); exit.Reason != frame.ReasonExit {
		t.Errorf("have %+v, want an ordinary exit", exit)
	}
}

func TestRefusedPropagation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.engine.RefusePropagation()
	j := s.job()
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	init.want(isOrder)
	list := s.containers()
	if len(list) != 1 {
		t.Fatalf("have containers %v, want one", list)
	}
	c, err := s.engine.Inspect(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Mounts {
		if m.Target == "/net" && m.Propagation != "rprivate" {
			t.Errorf("have propagation %q, want rprivate", m.Propagation)
		}
	}
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}})
	receiveExit(t, done)
}

// TestRefusedPrivileges runs a frame that the studio wants privileged on a host that lacks a capability itself.
func TestRefusedPrivileges(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.runner.cfg.Policy.Container.Privileged = true
	s.engine.RefusePrivileged("SYS_RESOURCE")
	j := s.job()
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	init.want(isOrder)
	spec := s.engine.Spec(j.Promise().Container)
	if spec.Privileged || slices.Contains(spec.CapAdd, "SYS_RESOURCE") || !slices.Contains(spec.CapAdd, "SYS_ADMIN") {
		t.Errorf("have %+v, want every capability that the host has", spec.Privilege)
	}
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}})
	receiveExit(t, done)
}

func TestEndWithoutRecord(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end    func(s *stage, id string)
		status int32
		want   string
	}{
		"container killed from outside": {func(s *stage, id string) { s.engine.Exit(id, 137) }, 256, "from outside with code 137"},
		"container removed from outside": {func(s *stage, id string) {
			_ = s.engine.Remove(s.t.Context(), id, engine.RemoveOptions{Force: true})
		}, 256, "container is gone"},
		"frameinit out of memory": {func(s *stage, id string) { s.engine.KillOOM(id) }, 137, "out of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			j := s.job()
			done := s.run(j)
			init := s.connect(hello(j, wire.PhaseWaiting))
			init.want(isOrder)
			init.send(wire.Message{Started: &wire.Started{PID: 7, UnixMillis: time.Now().UnixMilli()}})
			tc.end(s, j.Promise().Container)
			_ = init.conn.Close()
			exit := receiveExit(t, done)
			if status, _ := exit.Status(); status != tc.status || !strings.Contains(exit.Detail, tc.want) {
				t.Errorf("have %+v, want %d that says %q", exit, tc.status, tc.want)
			}
		})
	}
}

// TestOrderIsRepeated breaks the connection between the order and the start.
func TestOrderIsRepeated(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := s.job()
	done := s.run(j)
	first := s.connect(hello(j, wire.PhaseWaiting))
	first.want(isOrder)
	_ = first.conn.Close()
	second := s.connect(hello(j, wire.PhaseWaiting))
	if _, log := second.want(isOrder); log == nil {
		t.Error("the repeated order came without the rqlog")
	}
	second.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}})
	receiveExit(t, done)
}
