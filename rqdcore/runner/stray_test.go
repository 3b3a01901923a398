package runner

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
)

// TestStrays reads back from containers what their promises were.
func TestStrays(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	f := testFrame()
	f.LogDir, f.StartTime, f.GPUs = s.logs, 1800000000123, 1
	want := NewPromise(f, frame.Reservation{Cores: 200, CPUs: []int{0, 1, 4, 5}, GPUs: []int{1}}, time.Now())
	s.leave(AdoptJob(want), enginetest.Script{})
	f.ID, f.StartTime, f.UID = "f2", f.StartTime-1, nil
	older := NewPromise(f, frame.Reservation{Cores: 200}, time.Now())
	s.leave(AdoptJob(older), enginetest.Script{Lifetime: -1})
	known := NewPromise(f, frame.Reservation{}, time.Now())
	s.leave(AdoptJob(known), enginetest.Script{})
	strays, err := s.runner.Strays(t.Context(), func(container string) bool { return container == known.Container })
	if err != nil || len(strays) != 2 {
		t.Fatalf("have %+v (%v), want two", strays, err)
	}
	have := strays[0].Promise
	// What only a container that is yet to be ordered needs.
	want.Frame.UserName, want.Frame.Show, want.Frame.Shot, want.Frame.Command, want.Frame.Environment = "", "", "", "", nil
	want.Frame.SoftMemory, want.Frame.HardMemory = 0, 0
	want.Recovered, want.Accepted = true, have.Accepted
	if diff := cmp.Diff(want, have); diff != "" || !strays[0].Running || len(strays[0].Lacks) > 0 {
		t.Errorf("lacks %v, want- have+\n%s", strays[0].Lacks, diff)
	}
	if last := strays[1]; last.Running || last.Promise.Frame.ID != "f2" || last.Promise.Frame.UID != nil || last.Promise.Reservation.CPUs != nil {
		t.Errorf("have %+v, want the older one, which has ended", last)
	}
}

func TestStrayLacks(t *testing.T) {
	t.Parallel()
	labels := map[string]string{
		LabelFrame: "f", LabelResource: "r", LabelJob: "j", LabelLayer: "l", LabelJobName: "job", LabelName: "name", LabelLogDir: "/logs",
		LabelCores: "many", LabelStart: "1", LabelGPUs: "x",
	}
	if have, want := strayOf(engine.Container{Labels: labels}).Lacks, []string{LabelCores, LabelGPUs, wire.TokenEnv}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

// TestRecoveredFrameThatWaits has a container that was never told what to run.
func TestRecoveredFrameThatWaits(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.job().Promise()
	p.Recovered = true
	j := AdoptJob(p)
	s.leave(j, enginetest.Script{})
	done := s.run(j)
	init := s.connect(hello(j, wire.PhaseWaiting))
	init.want(isKill)
	init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseKill}})
	if status, _ := receiveExit(t, done).Status(); status != 256 {
		t.Errorf("have status %d, want 256", status)
	}
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	j := AdoptJob(s.job().Promise())
	s.leave(j, enginetest.Script{})
	if err := s.runner.Destroy(t.Context(), j); err != nil || len(s.containers()) != 0 {
		t.Errorf("have %v, containers %v, want none", err, s.containers())
	}
}
