package enginetest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// started returns a fake with one running container that does what the script says.
func started(t *testing.T, script enginetest.Script) (fake *enginetest.Fake, id string) {
	t.Helper()
	fake = enginetest.NewFake()
	fake.AddImage(engine.Image{Tags: []string{"x"}})
	fake.OnStart(func(engine.Spec, string) enginetest.Script { return script })
	id, _, err := fake.Create(t.Context(), engine.Spec{Name: "it", Image: "x", Labels: map[string]string{"kind": "k"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := fake.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return fake, id
}

func wantState(t *testing.T, fake *enginetest.Fake, id string, state engine.State, code int) engine.Container {
	t.Helper()
	c, err := fake.Inspect(context.WithoutCancel(t.Context()), id)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != state || c.ExitCode != code {
		t.Errorf("want %s with %d, have %s with %d", state, code, c.State, c.ExitCode)
	}
	return c
}

func TestScriptLivesAndEndsOnTheBubblesClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, id := started(t, enginetest.Script{Lifetime: time.Hour, ExitCode: 4, OOMKilled: true, Health: "starting"})
		began := time.Now()
		if c := wantState(t, fake, id, engine.StateRunning, 0); c.Health != "starting" {
			t.Errorf("want health starting, have %q", c.Health)
		}
		err := fake.Logs(t.Context(), id, engine.LogOptions{Follow: true}, func(engine.LogLine) error { return nil })
		if err != nil || time.Since(began) != time.Hour {
			t.Errorf("want the log to end after the hour, have %v after %v", err, time.Since(began))
		}
		if c := wantState(t, fake, id, engine.StateExited, 4); !c.OOMKilled {
			t.Error("want it marked as killed for memory")
		}
	})
}

func TestScriptTakesItsTimeToEnd(t *testing.T) {
	t.Parallel()
	for grace, want := range map[time.Duration]struct {
		took time.Duration
		code int
	}{10 * time.Second: {3 * time.Second, 5}, time.Second: {time.Second, 137}} {
		synctest.Test(t, func(t *testing.T) {
			slow := map[string]enginetest.Reaction{"SIGTERM": {After: 3 * time.Second, Exit: 5}}
			fake, id := started(t, enginetest.Script{Signals: slow})
			began := time.Now()
			if err := fake.Stop(t.Context(), id, grace); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != want.took {
				t.Errorf("grace %v: want %v, have %v", grace, want.took, took)
			}
			wantState(t, fake, id, engine.StateExited, want.code)
		})
	}
}

func TestOlderRunsTimerDoesNotEndALaterRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, id := started(t, enginetest.Script{Lifetime: time.Minute, ExitCode: 1})
		fake.Exit(id, 0)
		fake.OnStart(func(engine.Spec, string) enginetest.Script { return enginetest.Script{} })
		if err := fake.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // In the bubble this takes no time.
		wantState(t, fake, id, engine.StateRunning, 0)
	})
}

func TestInjectedFailures(t *testing.T) {
	t.Parallel()
	fake, id := started(t, enginetest.Script{})
	first, lost := errors.New("first"), errors.New("lost")
	fake.Fail("Signal", first)
	fake.FailAfter("Signal", lost)
	if err := fake.Signal(t.Context(), id, "TERM"); !errors.Is(err, first) {
		t.Errorf("want the first failure, have %v", err)
	}
	wantState(t, fake, id, engine.StateRunning, 0)
	if err := fake.Signal(t.Context(), id, "TERM"); !errors.Is(err, lost) {
		t.Errorf("want the lost answer, have %v", err)
	}
	wantState(t, fake, id, engine.StateExited, 143)
	calls := fake.Calls()
	if last := calls[len(calls)-1]; last != (enginetest.Call{Method: "Inspect", Target: id}) {
		t.Errorf("want the calls recorded, have %+v", calls)
	}
	defer func() {
		if recover() == nil {
			t.Error("want a panic for a method that no engine has")
		}
	}()
	fake.Fail("Explode", first)
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, id := started(t, enginetest.Script{})
		events, failed := fake.Events(t.Context(), map[string]string{"kind": "k"})
		followed := make(chan error)
		go func() {
			followed <- fake.Logs(t.Context(), id, engine.LogOptions{Follow: true}, func(engine.LogLine) error { return nil })
		}()
		synctest.Wait()
		fake.GoDown()
		if _, ok := <-events; ok || !errors.Is(<-failed, engine.ErrUnavailable) {
			t.Error("want the events to end unavailable")
		}
		if err := <-followed; !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("want the log to end unavailable, have %v", err)
		}
		if err := fake.Ping(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("want ErrUnavailable, have %v", err)
		}
		fake.ComeUp()
		wantState(t, fake, id, engine.StateRunning, 0)
	})
}

func TestWhatATestDoesToAContainerIsSeen(t *testing.T) {
	t.Parallel()
	fake, id := started(t, enginetest.Script{})
	events, _ := fake.Events(t.Context(), map[string]string{"kind": ""})
	fake.SetHealth(id, "unhealthy")
	fake.Print("it", "hello")
	fake.KillOOM(id)
	for _, want := range []string{"health_status: unhealthy", "oom", "die"} {
		if e := <-events; e.Action != want || e.Name != "it" {
			t.Errorf("want %s of it, have %+v", want, e)
		}
	}
	if c := wantState(t, fake, id, engine.StateExited, 137); !c.OOMKilled || c.Health != "unhealthy" {
		t.Errorf("want it killed for memory and unhealthy, have %+v", c)
	}
	var lines []string
	if err := fake.Logs(t.Context(), id, engine.LogOptions{}, func(l engine.LogLine) error {
		lines = append(lines, string(l.Text))
		return nil
	}); err != nil || len(lines) != 1 || lines[0] != "hello" {
		t.Errorf("want hello, have %q, %v", lines, err)
	}
}

func TestSlowReaderOfAFakeIsToldThatItMissedEvents(t *testing.T) {
	t.Parallel()
	fake, id := started(t, enginetest.Script{})
	events, _ := fake.Events(t.Context(), nil)
	for range 1000 {
		fake.SetHealth(id, "healthy")
	}
	var last engine.Event
	for len(events) > 0 {
		last = <-events
	}
	if last.Action != engine.ActionMissed {
		t.Errorf("want the last event to say that others were missed, have %+v", last)
	}
}
