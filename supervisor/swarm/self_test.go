package swarm

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/containerid"
	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// fixtureID is the container in which the files of testdata were recorded, from a real engine 20.10 on cgroup v1; the
// others are these, with what the name of their directory says.
func fixtureID(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "v1", "cgroup"))
	if err != nil {
		t.Fatal(err)
	}
	return containerid.FromCgroup(b)
}

// root lays a fixture out as /proc.
func root(t *testing.T, fixture string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "proc/self"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cgroup", "mountinfo"} {
		b, err := os.ReadFile(filepath.Join("testdata", fixture, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "proc/self", name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	id := fixtureID(t)
	if len(id) != 64 {
		t.Fatalf("fixture: want an id of 64 digits, have %q", id)
	}
	for fixture, c := range map[string]struct {
		hostname string
		want     []string
	}{
		"v1":           {id[:12], []string{id, id, id[:12]}},
		"v1-nested":    {"render01", []string{id}},
		"v2-private":   {"render01", []string{id}},
		"v2-host":      {"render01", []string{id}},
		"other-mounts": {"render01", []string{id}},
		"bare":         {"render01", nil},
	} {
		if have := candidates(root(t, fixture), c.hostname); strings.Join(have, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: want %v, have %v", fixture, c.want, have)
		}
	}
}

// inspector knows some containers.
type inspector map[string]engine.Container

func (i inspector) Inspect(_ context.Context, id string) (engine.Container, error) {
	c, ok := i[id]
	if !ok {
		return engine.Container{}, engine.ErrNotFound
	}
	return c, nil
}

func TestFind(t *testing.T) {
	t.Parallel()
	id := fixtureID(t)
	now := time.Now()
	own := engine.Container{ID: id, Created: now.Add(-time.Hour), StartedAt: now.Add(-time.Minute)}
	for name, c := range map[string]struct {
		fixture, hostname string
		known             inspector
		want              string
	}{
		"in a container":                {"v1", "render01", inspector{id: own}, id},
		"by host name only":             {"bare", id[:12], inspector{id[:12]: own}, id},
		"bare":                          {"bare", "render01", inspector{}, ""},
		"container of another engine":   {"v2-private", "render01", inspector{}, ""},
		"stale id, right host name":     {"v1", "abcabcabcabc", inspector{"abcabcabcabc": {ID: "abcabcabcabc" + id[12:]}}, "abcabcabcabc" + id[12:]},
		"host name that is no short id": {"bare", id, inspector{id: own}, ""},
	} {
		self, err := Find(t.Context(), c.known, Process{Root: root(t, c.fixture), Hostname: c.hostname, Started: now})
		if err != nil || self.Container.ID != c.want {
			t.Errorf("%s: want %q, have %q, %v", name, c.want, self.Container.ID, err)
		}
		if !self.InContainer() && !self.Created.Equal(now) {
			t.Errorf("%s: want the process's start, have %s", name, self.Created)
		}
	}
}

func TestGivenHostname(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0123456789abcdef", 4)
	for hostname, want := range map[string]string{id[:12]: "", "": "", "render01": "render01", "0123456789ab.lan": "0123456789ab.lan"} {
		self := Self{Container: engine.Container{ID: id, Hostname: hostname}}
		if have := self.GivenHostname(); have != want {
			t.Errorf("%q: want %q, have %q", hostname, want, have)
		}
	}
}

func TestHostPath(t *testing.T) {
	t.Parallel()
	self := Self{Container: engine.Container{Mounts: []engine.Mount{
		{Type: engine.MountBind, Source: "/lab/node1/docker.sock", Target: "/var/run/docker.sock"},
		{Type: engine.MountBind, Source: "/srv", Target: "/data"},
		{Type: engine.MountBind, Source: "/mnt/deep", Target: "/data/deep"},
		{Type: engine.MountVolume, Source: "v", Target: "/vol"},
	}}}
	for inside, want := range map[string]string{
		"/var/run/docker.sock": "/lab/node1/docker.sock", "/data/x": "/srv/x", "/data/deep/x": "/mnt/deep/x",
		"/datafile": "", "/vol/x": "", "/": "",
	} {
		have, ok := self.HostPath(inside)
		if have != want || ok != (want != "") {
			t.Errorf("%s: want %q, have %q", inside, want, have)
		}
	}
}

func TestPeers(t *testing.T) {
	t.Parallel()
	fake := enginetest.NewFake()
	fake.AddImage(engine.Image{Tags: []string{"supervisor:1"}})
	start := func(labels map[string]string, env ...string) string {
		id, _, err := fake.Create(t.Context(), engine.Spec{Image: "supervisor:1", Labels: labels, Env: env})
		if err != nil {
			t.Fatal(err)
		}
		if err := fake.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	role := map[string]string{RoleLabel: RoleSupervisor}
	service := map[string]string{LabelServiceID: "abc"}
	both := map[string]string{RoleLabel: RoleSupervisor, LabelServiceID: "abc"}
	older := start(role)
	dead := start(both)
	fake.Exit(dead, 1)
	own := start(both)
	start(role, "RQD_NAME=another")
	unlabelled := start(service, "RQD_NAME=rqd")
	start(map[string]string{LabelServiceID: "xyz"})
	if _, _, err := fake.Create(t.Context(), engine.Spec{Image: "supervisor:1", Labels: both}); err != nil {
		t.Fatal(err)
	}
	c, err := fake.Inspect(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	self := Self{Container: c, Created: c.Created, Started: c.StartedAt}
	peers := NewPeers(fake, self, "rqd")

	check := func(wantNewer, wantOlder bool, want map[string]bool) {
		t.Helper()
		list, err := peers.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{}
		for _, p := range list {
			have[p.ID] = p.Running()
		}
		if len(have) != len(want) {
			t.Errorf("want %v, have %v", want, have)
		}
		for id, running := range want {
			if r, ok := have[id]; !ok || r != running {
				t.Errorf("peer %.6s: want it running=%t, have %v", id, running, have)
			}
		}
		if newer, older := Standing(self, list); newer != wantNewer || older != wantOlder {
			t.Errorf("want newer=%t older=%t, have %t %t", wantNewer, wantOlder, newer, older)
		}
	}
	check(true, true, map[string]bool{older: true, dead: false, unlabelled: true})
	fake.Exit(unlabelled, 0)
	check(false, true, map[string]bool{older: true, dead: false, unlabelled: false})
	if err := fake.Remove(t.Context(), older, engine.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	check(false, false, map[string]bool{dead: false, unlabelled: false})
}

func TestStandingOfTheSameNanosecond(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := Self{Container: engine.Container{ID: "a"}, Created: now}
	b := Self{Container: engine.Container{ID: "b"}, Created: now}
	newerA, olderA := Standing(a, []Peer{{ID: "b", Created: now, Started: now}})
	newerB, olderB := Standing(b, []Peer{{ID: "a", Created: now, Started: now}})
	if !newerA || olderA || newerB || !olderB {
		t.Errorf("want both to agree that b is newer, have a: %t %t, b: %t %t", newerA, olderA, newerB, olderB)
	}
}
