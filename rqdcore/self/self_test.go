package self_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/self"
)

const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// inspector knows one container.
type inspector struct{ c engine.Container }

func (i inspector) Inspect(_ context.Context, idOrName string) (engine.Container, error) {
	if idOrName != i.c.ID {
		return engine.Container{}, engine.ErrNotFound
	}
	return i.c, nil
}

func procWith(t *testing.T, cgroup string) string {
	t.Helper()
	proc := t.TempDir()
	if err := os.MkdirAll(filepath.Join(proc, "self"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(proc, "self", "cgroup"), []byte(cgroup), 0o600); err != nil {
		t.Fatal(err)
	}
	return proc
}

func rqd() engine.Container {
	return engine.Container{ID: id, Name: "rqd", Mounts: []engine.Mount{
		{Type: engine.MountVolume, Source: "rqd-run", Target: "/run/rqd"},
		{Type: engine.MountBind, Source: "/srv/state", Target: "/var/lib"},
		{Type: engine.MountBind, Source: "/tmp", Target: "/tmp"},
	}}
}

func TestInContainer(t *testing.T) {
	t.Parallel()
	place, err := self.Find(t.Context(), procWith(t, "11:memory:/docker/"+id+"\n"), inspector{rqd()})
	if err != nil || place.Bare() {
		t.Fatalf("have %+v (%v), want the container", place, err)
	}
	mount, err := place.Share("/run/rqd/")
	if want := (engine.Mount{Type: engine.MountVolume, Source: "rqd-run"}); err != nil || mount != want {
		t.Errorf("have %+v (%v), want %+v", mount, err, want)
	}
	if _, err := place.Share("/tmp/rqd"); err == nil || !strings.Contains(err.Error(), "-v rqd-run:/tmp/rqd") {
		t.Errorf("have %v, want an error that says what to mount", err)
	}
	for dir, want := range map[string]bool{"/var/lib/rqd": true, "/tmp": true, "/var/library": false, "/etc": false} {
		if have := place.Persistent(dir); have != want {
			t.Errorf("%s: have persistent %t, want %t", dir, have, want)
		}
	}
}

func TestBare(t *testing.T) {
	t.Parallel()
	place, err := self.Find(t.Context(), procWith(t, "0::/user.slice\n"), inspector{})
	if err != nil || !place.Bare() || !place.Persistent("/anywhere") {
		t.Fatalf("have %+v (%v), want a bare place", place, err)
	}
	mount, err := place.Share("/run/rqd")
	if want := (engine.Mount{Type: engine.MountBind, Source: "/run/rqd"}); err != nil || mount != want {
		t.Errorf("have %+v (%v), want %+v", mount, err, want)
	}
}

// TestForeignEngine runs in a container that the engine does not know, as under another engine.
func TestForeignEngine(t *testing.T) {
	t.Parallel()
	_, err := self.Find(t.Context(), procWith(t, "0::/docker/"+id+"\n"), inspector{})
	if err == nil || !strings.Contains(err.Error(), id[:12]) {
		t.Errorf("have %v, want an error that names the container", err)
	}
}
