package enginetest

import (
	"errors"
	"slices"
	"testing"

	"rqdswarm/internal/engine"
)

// Subject is an engine under Contract, and what the contract needs around it.
type Subject struct {
	Engine Engine
	// Image is a local image in which every Program can run. It has BusyboxEnv.
	Image string
	// Offer puts an image into a registry and makes sure it is not local; the registry wants the
	// credentials to be shown, if there are any. It returns the image's reference.
	Offer func(t *testing.T, auth *engine.RegistryAuth) string
	// DeadRegistry is a reference whose registry does not answer.
	DeadRegistry string
}

// Harness runs one behaviour of the contract against an engine of its choice.
type Harness func(t *testing.T, behaviour func(t *testing.T, s Subject))

// behaviour is one line of the contract.
type behaviour struct {
	name string
	show func(t *testing.T, s Subject)
}

// Contract shows every behaviour that this project relies on. Whatever implements Engine must pass.
func Contract(t *testing.T, h Harness) {
	parts := [][]behaviour{
		createBehaviours(), runBehaviours(), endBehaviours(), nameBehaviours(), removeBehaviours(),
		describeBehaviours(), copyBehaviours(), logBehaviours(), eventBehaviours(), imageBehaviours(),
	}
	for _, b := range slices.Concat(parts...) {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			h(t, b.show)
		})
	}
}

// Program is what a container of the contract runs: shell for Docker, a Script for a Fake.
type Program struct {
	Shell  string
	Script Script
}

// programs are all of them, by their shell text.
func programs() map[string]Program {
	all := []Program{
		progSleep, progExit0, progExit3, progTermExit0, progTermExit143, progHupExit7, progDeaf, progUsr1,
		progLines, progPaced, progUnterminated, progReadFile, progLong,
	}
	byShell := map[string]Program{}
	for _, p := range all {
		byShell[p.Shell] = p
	}
	return byShell
}

// ContractScript is an OnStart for a Fake under Contract.
func ContractScript(s engine.Spec, _ string) Script {
	if len(s.Entrypoint) == 3 {
		if p, ok := programs()[s.Entrypoint[2]]; ok {
			return p.Script
		}
	}
	return Script{StartError: errors.Join(errors.New("exec: no such file or directory"), engine.ErrInvalid)}
}

// make creates a container that runs p, in a scope of the test's own.
func (s Subject) make(t *testing.T, p Program, adjust ...func(*engine.Spec)) string {
	t.Helper()
	spec := engine.Spec{Image: s.Image, Entrypoint: []string{"sh", "-c", p.Shell}, Labels: Scope(t, s.Engine)}
	spec.NetworkMode = "none"
	for _, a := range adjust {
		a(&spec)
	}
	id, warnings, err := s.Engine.Create(t.Context(), spec)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	for _, w := range warnings {
		t.Logf("create: warning: %s", w)
	}
	return id
}

func (s Subject) start(t *testing.T, id string) {
	t.Helper()
	if err := s.Engine.Start(t.Context(), id); err != nil {
		t.Fatalf("start: %v", err)
	}
}

func (s Subject) inspect(t *testing.T, id string) engine.Container {
	t.Helper()
	c, err := s.Engine.Inspect(t.Context(), id)
	if err != nil {
		t.Fatalf("inspect: %v", err)
	}
	return c
}

// awaitEnd waits until the container has ended: its log then has no more to follow.
func (s Subject) awaitEnd(t *testing.T, id string) engine.Container {
	t.Helper()
	events, failed := s.Engine.Events(t.Context(), nil)
	for {
		if c := s.inspect(t, id); c.State != engine.StateRunning {
			return c
		}
		if _, ok := <-events; !ok {
			t.Fatalf("wait for the end of %s: %v", id, <-failed)
		}
	}
}

// awaitLine waits until the container has written a line with this text.
func (s Subject) awaitLine(t *testing.T, id, text string) {
	t.Helper()
	found := errors.New("found")
	err := s.Engine.Logs(t.Context(), id, engine.LogOptions{Follow: true}, func(l engine.LogLine) error {
		if string(l.Text) == text {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Fatalf("wait for line %q: the log ended: %v", text, err)
	}
}

// wantErr fails the test unless err is the sentinel.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("want an error that is %v, have %v", want, err)
	}
}

func wantState(t *testing.T, c engine.Container, state engine.State, code int) {
	t.Helper()
	if c.State != state || c.ExitCode != code {
		t.Errorf("want %s with exit code %d, have %s with %d (%s)", state, code, c.State, c.ExitCode, c.Error)
	}
}
