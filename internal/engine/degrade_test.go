package engine_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// rqdSpec asks for what the guide's docker run asks for.
func rqdSpec() engine.Spec {
	s := engine.Spec{
		Name: "rqd", Image: "rqdcore:dev", Entrypoint: []string{"/rqdcore"}, Labels: map[string]string{"rqd": "1"},
		Mounts: []engine.Mount{
			{Type: engine.MountBind, Source: "/tmp", Target: "/tmp", Propagation: "slave"},
			{Type: engine.MountBind, Source: "/tmp/x", Target: "/x", Propagation: "rshared"},
			{Type: engine.MountBind, Source: "/etc", Target: "/etc2", Propagation: "private"},
		},
	}
	s.Privileged = true
	return s
}

func newFake() *enginetest.Fake {
	f := enginetest.NewFake()
	f.AddImage(engine.Image{Tags: []string{"rqdcore:dev"}})
	return f
}

func count(calls []enginetest.Call, method string) int {
	n := 0
	for _, c := range calls {
		if c.Method == method {
			n++
		}
	}
	return n
}

func TestWillingHostGetsTheSpecAsItIs(t *testing.T) {
	t.Parallel()
	fake := newFake()
	warn := func(text string) { t.Errorf("want no warning, have %q", text) }
	id, err := engine.NewDegrader(fake, warn).Start(t.Context(), rqdSpec())
	if err != nil {
		t.Fatal(err)
	}
	if have := fake.Spec(id); !have.Privileged || have.Mounts[0].Propagation != "slave" {
		t.Errorf("want it privileged and slave, have %+v", have)
	}
	if n := count(fake.Calls(), "Create"); n != 1 {
		t.Errorf("want one container made, have %d", n)
	}
}

func TestStartGivesUpWhatTheHostRefuses(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.RefusePrivileged("SYS_RESOURCE", "BPF", "MKNOD")
	fake.RefusePropagation()
	var warnings []string
	d := engine.NewDegrader(fake, func(text string) { warnings = append(warnings, text) })
	id, err := d.Start(t.Context(), rqdSpec())
	if err != nil {
		t.Fatal(err)
	}
	wantDegraded(t, fake.Spec(id))
	if len(warnings) != 3 || !strings.Contains(strings.Join(warnings, "\n"), "does not have MKNOD, SYS_RESOURCE, BPF itself") {
		t.Errorf("want two sources and the lacking capabilities warned of, have %q", warnings)
	}
	left, err := fake.List(t.Context(), nil)
	if err != nil || len(left) != 1 {
		t.Errorf("want no container left but the started one, have %d, %v", len(left), err)
	}

	before := count(fake.Calls(), "Create")
	again := rqdSpec()
	again.Name = "rqd-2"
	if _, err := d.Start(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if n := count(fake.Calls(), "Create") - before; n != 1 || len(warnings) != 3 {
		t.Errorf("want the second start to know and say nothing, have %d containers made, %q", n, warnings)
	}
}

func wantDegraded(t *testing.T, s engine.Spec) {
	t.Helper()
	if s.Privileged || !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) != 41-3 || slices.Contains(s.CapAdd, "MKNOD") {
		t.Errorf("want all capabilities but three, have %+v", s.Privilege)
	}
	for _, opt := range []string{"seccomp=unconfined", "apparmor=unconfined", "label=disable", "systempaths=unconfined"} {
		if !slices.Contains(s.SecurityOpt, opt) {
			t.Errorf("want %s in %q", opt, s.SecurityOpt)
		}
	}
	var propagation []string
	for _, m := range s.Mounts {
		propagation = append(propagation, m.Target+" "+m.Propagation)
	}
	if want := []string{"/tmp rprivate", "/x rprivate", "/etc2 private", "/dev "}; !slices.Equal(propagation, want) {
		t.Errorf("want %q, have %q", want, propagation)
	}
}

func TestPreflightLearnsWithoutRunningAnything(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.OnStart(func(s engine.Spec, _ string) enginetest.Script {
		t.Errorf("want nothing to run, have %+v", s)
		return enginetest.Script{}
	})
	fake.RefusePrivileged("SYS_RESOURCE", "BPF", "MKNOD")
	fake.RefusePropagation()
	// The container to be replaced still has the name, and whoever watches its label sees no other.
	old, _, err := fake.Create(t.Context(), rqdSpec())
	if err != nil {
		t.Fatal(err)
	}
	events, _ := fake.Events(t.Context(), map[string]string{"rqd": ""})
	s, err := engine.NewDegrader(fake, nil).Preflight(t.Context(), rqdSpec())
	if err != nil {
		t.Fatal(err)
	}
	wantDegraded(t, s)
	if s.Name != "rqd" || s.Labels["rqd"] != "1" || s.Entrypoint[0] != "/rqdcore" {
		t.Errorf("want the Spec's own identity, have %+v", s)
	}
	if left, _ := fake.List(t.Context(), nil); len(left) != 1 || left[0].ID != old {
		t.Errorf("want nothing left but the old one, have %d containers", len(left))
	}
	if len(events) != 0 {
		t.Errorf("want no events under the label, have %+v", <-events)
	}
}

func TestPreflightOfAnOrdinarySpecAsksNothing(t *testing.T) {
	t.Parallel()
	fake := newFake()
	if _, err := engine.NewDegrader(fake, nil).Preflight(t.Context(), engine.Spec{Image: "rqdcore:dev"}); err != nil {
		t.Fatal(err)
	}
	if calls := fake.Calls(); len(calls) != 0 {
		t.Errorf("want no calls, have %v", calls)
	}
}

func TestOtherFailuresAreNotDegraded(t *testing.T) {
	t.Parallel()
	fake := newFake()
	broken := errors.New("disk is full")
	fake.Fail("Start", broken)
	_, err := engine.NewDegrader(fake, nil).Start(t.Context(), rqdSpec())
	if !errors.Is(err, broken) {
		t.Errorf("want the engine's error, have %v", err)
	}
	if left, _ := fake.List(t.Context(), nil); len(left) != 0 {
		t.Errorf("want the failed container removed, have %d", len(left))
	}
	fake.RefusePrivileged("BPF")
	fake.Fail("Start", errors.New("unable to apply caps: operation not permitted"))
	fake.Fail("Start", engine.ErrUnavailable)
	if _, err := engine.NewDegrader(fake, nil).Start(t.Context(), rqdSpec()); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("want the probe's error, have %v", err)
	}
}

func TestRefusalThatStaysIsAnError(t *testing.T) {
	t.Parallel()
	fake := newFake()
	refused := errors.New("unable to apply caps: operation not permitted")
	fake.OnStart(func(engine.Spec, string) enginetest.Script { return enginetest.Script{StartError: refused} })
	fake.RefusePrivileged("BPF")
	if _, err := engine.NewDegrader(fake, nil).Start(t.Context(), rqdSpec()); !errors.Is(err, refused) {
		t.Errorf("want the refusal, have %v", err)
	}
}

func TestSecondRefusalTeachesNothingNew(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.RefusePrivileged("SYS_TIME")
	warnings := 0
	d := engine.NewDegrader(fake, func(string) { warnings++ })
	// Two containers were tried before either refusal was known.
	for range 2 {
		again, err := d.Learn(t.Context(), rqdSpec(), errors.New("unable to apply caps: operation not permitted"))
		if err != nil || !again {
			t.Errorf("want another try, have %v, %v", again, err)
		}
	}
	if warnings != 1 {
		t.Errorf("want one warning, have %d", warnings)
	}
	if n := count(fake.Calls(), "Start"); n > 12 {
		t.Errorf("want one lacking capability found in a dozen starts, have %d", n)
	}
}

func TestManyStartsAtOnce(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.RefusePrivileged("SYS_TIME")
	d := engine.NewDegrader(fake, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s := rqdSpec()
			s.Name = ""
			if _, err := d.Start(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestUnprivilegedSpecOnlyLosesWhatIsNotGranted(t *testing.T) {
	t.Parallel()
	var s engine.Spec
	s.CapAdd = []string{"SYS_NICE", "CAP_BPF", "sys_ptrace"}
	have := engine.WithCapabilities(s, []string{"SYS_NICE", "SYS_PTRACE"})
	if !slices.Equal(have.CapAdd, []string{"SYS_NICE", "SYS_PTRACE"}) || len(have.Mounts)+len(have.SecurityOpt)+len(have.CapDrop) != 0 {
		t.Errorf("want two capabilities and nothing else, have %+v", have)
	}
	s.CapAdd = []string{"ALL"}
	if have := engine.WithCapabilities(s, []string{"SYS_NICE"}); !slices.Equal(have.CapAdd, []string{"SYS_NICE"}) {
		t.Errorf("want ALL to be what is granted, have %q", have.CapAdd)
	}
}
