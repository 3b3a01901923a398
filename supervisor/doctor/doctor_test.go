package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/supervisor/swarm"
)

// patient is one on whom nothing can be found.
func patient(t *testing.T) (Patient, *enginetest.Fake) {
	t.Helper()
	fake := enginetest.NewFake()
	fake.AddImage(engine.Image{Tags: []string{"rqd:1"}})
	return Patient{
		Engine: fake, Name: "rqd", Spec: engine.Spec{Image: "rqd:1"}, Root: t.TempDir(),
		Self: swarm.Self{Container: engine.Container{ID: strings.Repeat("a", 64), Labels: map[string]string{swarm.RoleLabel: swarm.RoleSupervisor}}},
		Resolve: func(context.Context) (engine.Image, error) {
			return engine.Image{ID: "sha256:1", HasHealthcheck: true}, nil
		},
		Preflight:  func(context.Context, engine.Spec) ([]string, error) { return nil, nil },
		Supervised: func(context.Context) (bool, error) { return true, nil },
	}, fake
}

// TestFindings makes one thing wrong at a time.
func TestFindings(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answers := l.Addr().String()
	info := func(change func(*engine.Info)) func(*Patient, *enginetest.Fake) {
		return func(_ *Patient, f *enginetest.Fake) {
			i, _ := f.Info(t.Context())
			change(&i)
			f.SetInfo(i)
		}
	}
	for name, c := range map[string]struct {
		change func(*Patient, *enginetest.Fake)
		check  string
		level  Level
		text   string
	}{
		"well":              {func(*Patient, *enginetest.Fake) {}, "rights", OK, "grants all"},
		"engine away":       {func(_ *Patient, f *enginetest.Fake) { f.GoDown() }, "engine", Failure, "down"},
		"stop bug":          {info(func(i *engine.Info) { i.Version = "24.0.2" }), "engine", Warning, "ends a stop"},
		"no stop bug":       {info(func(i *engine.Info) { i.Version = "24.0.3" }), "engine", OK, "24.0.3"},
		"rootless":          {info(func(i *engine.Info) { i.Rootless = true }), "root", Failure, "rootless"},
		"userns":            {info(func(i *engine.Info) { i.UsernsRemap = true }), "root", OK, "exempt"},
		"cgroup 2":          {info(func(i *engine.Info) { i.CgroupVersion = 2 }), "cgroups", OK, "version 2"},
		"no gpu":            {func(p *Patient, _ *enginetest.Fake) { p.Spec.GPUs = []engine.GPURequest{{Count: -1}} }, "gpu", Failure, "no NVIDIA runtime"},
		"gpu":               {info(func(i *engine.Info) { i.Runtimes = []string{"runc", "nvidia"} }), "gpu", OK, "has the NVIDIA"},
		"bare":              {func(p *Patient, _ *enginetest.Fake) { p.Self = swarm.Self{} }, "supervisor", Warning, "not in a container"},
		"no label":          {func(p *Patient, _ *enginetest.Fake) { p.Self.Container.Labels = nil }, "supervisor", Warning, "has no label"},
		"swarm":             {info(func(i *engine.Info) { i.SwarmNodeID = "n1" }), "swarm", OK, "node n1"},
		"no such directory": {func(p *Patient, _ *enginetest.Fake) { p.Root = "/nonexistent" }, "space", Warning, "cannot be read"},
		"foreign": {func(_ *Patient, f *enginetest.Fake) {
			_, _, _ = f.Create(t.Context(), engine.Spec{Name: "rqd", Image: "rqd:1"})
		}, "rqd", Failure, "was not made by a supervisor"},
		"port taken":    {func(p *Patient, _ *enginetest.Fake) { p.Addresses = []string{answers} }, "port", Failure, "something else answers"},
		"port of rqd":   {func(p *Patient, f *enginetest.Fake) { p.Addresses = []string{answers}; ourRQD(t, f) }, "port", OK, "RQD answers"},
		"rqd is silent": {func(_ *Patient, f *enginetest.Fake) { ourRQD(t, f) }, "port", Warning, "does not answer"},
		"orphan": {func(p *Patient, f *enginetest.Fake) {
			ourRQD(t, f)
			p.Supervised = func(context.Context) (bool, error) { return false, nil }
		}, "rqd", Warning, "runs without a supervisor"},
		"rqd runs":       {func(_ *Patient, f *enginetest.Fake) { ourRQD(t, f) }, "rqd", OK, "is running"},
		"image":          {func(*Patient, *enginetest.Fake) {}, "image", OK, "is here"},
		"port free":      {func(*Patient, *enginetest.Fake) {}, "port", OK, "free"},
		"no image":       {resolves(engine.Image{}, errors.New("no such image")), "image", Failure, "no such image"},
		"no credentials": {resolves(engine.Image{}, fmt.Errorf("no: %w", engine.ErrUnauthorized)), "image", Failure, "no: "},
		"no healthcheck": {resolves(engine.Image{ID: "sha256:2"}, nil), "image", Warning, "without HEALTHCHECK"},
		"less granted": {func(p *Patient, _ *enginetest.Fake) {
			p.Preflight = func(context.Context, engine.Spec) ([]string, error) {
				return []string{"/tmp is not on a shared mount"}, nil
			}
		}, "rights", Warning, "/tmp is not"},
		"refused": {func(p *Patient, _ *enginetest.Fake) {
			p.Preflight = func(context.Context, engine.Spec) ([]string, error) { return nil, errors.New("no such mount") }
		}, "rights", Failure, "no such mount"},
		"configuration": {func(p *Patient, _ *enginetest.Fake) { p.Warnings = []string{"too long"} }, "configuration", Warning, "too long"},
	} {
		p, fake := patient(t)
		c.change(&p, fake)
		findings := Examine(t.Context(), p)
		found := false
		for _, f := range findings {
			if f.Check != c.check {
				continue
			}
			found = true
			if f.Level != c.level || !strings.Contains(f.Found, c.text) {
				t.Errorf("%s: want %s with %q, have %+v", name, c.level, c.text, f)
			}
			if f.Level != OK && f.Advice == "" && f.Check != "configuration" && f.Check != "space" {
				t.Errorf("%s: want advice, have none", name)
			}
		}
		if !found {
			t.Errorf("%s: want a row for %s, have %v", name, c.check, findings)
		}
		var b strings.Builder
		if healthy := Print(&b, findings); healthy == (c.level == Failure) {
			t.Errorf("%s: want healthy=%t, have %t", name, c.level != Failure, healthy)
		}
		if !strings.Contains(b.String(), c.text) {
			t.Errorf("%s: want the finding printed, have %s", name, &b)
		}
	}
}

// TestKernelsWord has what only the kernel says: its clock's state and the free space.
func TestKernelsWord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		finding Finding
		level   Level
		text    string
	}{
		"clock kept":      {clockOf(unix.TIME_OK, unix.STA_PLL, nil), OK, "kept in step"},
		"clock free":      {clockOf(unix.TIME_OK, unix.STA_UNSYNC, nil), Warning, "nothing keeps"},
		"clock in error":  {clockOf(unix.TIME_ERROR, 0, nil), Warning, "nothing keeps"},
		"clock not asked": {clockOf(0, 0, unix.EPERM), Warning, "cannot be read"},
		"space":           {spaceOf(6<<30, engine.Info{DataRoot: "/var/lib/docker"}), OK, "6.0 GiB free in /var/lib/docker"},
		"little space":    {spaceOf(4<<30, engine.Info{DataRoot: "/var/lib/docker"}), Warning, "4.0 GiB free in /var/lib/docker"},
	} {
		if c.finding.Level != c.level || !strings.Contains(c.finding.Found, c.text) {
			t.Errorf("%s: want %s with %q, have %+v", name, c.level, c.text, c.finding)
		}
	}
}

func ourRQD(t *testing.T, f *enginetest.Fake) {
	t.Helper()
	id, _, err := f.Create(t.Context(), engine.Spec{Name: "rqd", Image: "rqd:1", Labels: map[string]string{"org.rqdswarm.rqd": "rqd"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func resolves(image engine.Image, err error) func(*Patient, *enginetest.Fake) {
	return func(p *Patient, _ *enginetest.Fake) {
		p.Resolve = func(context.Context) (engine.Image, error) { return image, err }
	}
}
