package runline

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
)

func TestHandedOn(t *testing.T) {
	t.Parallel()
	have := HandedOn([]string{
		"RQD_ZONE=b", "RQD_IMAGE=i", "CUEBOT_HOSTNAME=a=b", "OVERRIDE_CUEBOT=", "DOCKER_GPU_MODE=1", "DOCKER_HOST=x", "FRAME_LEASE_SECONDS=9", "KILL_GRACE_SECONDS=1",
		"PATH=/bin", "HOME=/", "STOP_GRACE_SECONDS=3", "RQDX=1", "broken", "RQD_ZONE=c",
	}, []string{"RQD_IMAGE"})
	want := []string{"CUEBOT_HOSTNAME=a=b", "DOCKER_GPU_MODE=1", "FRAME_LEASE_SECONDS=9", "KILL_GRACE_SECONDS=1", "OVERRIDE_CUEBOT=", "RQD_ZONE=c"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("environment (-want +have):\n%s", diff)
	}
}

func TestHostname(t *testing.T) {
	t.Parallel()
	for want, c := range map[string][3]string{
		"chosen": {"chosen", "given", "engine"}, "given": {"", "given", "engine"}, "engine": {"", "", "engine"},
	} {
		if have := Hostname(c[0], c[1], c[2]); have != want {
			t.Errorf("%v: want %s, have %s", c, want, have)
		}
	}
}

// TestPlanIdentity changes one thing at a time: what makes another RQD, and what does not.
func TestPlanIdentity(t *testing.T) {
	t.Parallel()
	plan := func(change func(*Options, *engine.Image, *[]engine.File), identity map[string]string) string {
		o := Options{Name: "rqd", Image: "rqd:1", Hostname: "h", Socket: DefaultSocket, Environ: []string{"RQD_X=1"}}
		image := engine.Image{ID: "sha256:1"}
		files := []engine.File{{Path: "/etc/opencue/rqd.conf", Mode: 0o644, Content: []byte("a")}}
		change(&o, &image, &files)
		p, err := NewPlan(Spec(o), image, files, identity)
		if err != nil {
			t.Fatal(err)
		}
		return p.Hash
	}
	same := func(*Options, *engine.Image, *[]engine.File) {}
	base := plan(same, nil)
	if have := plan(same, map[string]string{"task": "x"}); have != base {
		t.Error("another task: want the same rqd, have another")
	}
	if have := plan(func(o *Options, _ *engine.Image, _ *[]engine.File) { o.Image = "rqd:latest" }, nil); have != base {
		t.Error("another tag of the same image: want the same rqd, have another")
	}
	for name, change := range map[string]func(*Options, *engine.Image, *[]engine.File){
		"image":       func(_ *Options, i *engine.Image, _ *[]engine.File) { i.ID = "sha256:2" },
		"environment": func(o *Options, _ *engine.Image, _ *[]engine.File) { o.Environ = nil },
		"hostname":    func(o *Options, _ *engine.Image, _ *[]engine.File) { o.Hostname = "i" },
		"socket":      func(o *Options, _ *engine.Image, _ *[]engine.File) { o.Socket = "/x" },
		"content":     func(_ *Options, _ *engine.Image, f *[]engine.File) { (*f)[0].Content = []byte("b") },
		"mode":        func(_ *Options, _ *engine.Image, f *[]engine.File) { (*f)[0].Mode = 0o600 },
		"no file":     func(_ *Options, _ *engine.Image, f *[]engine.File) { *f = nil },
		"zero": func(o *Options, _ *engine.Image, _ *[]engine.File) {
			o.Extra = func(s *engine.Spec) { s.Swappiness = new(int64) }
		},
		"off": func(o *Options, _ *engine.Image, _ *[]engine.File) {
			o.Extra = func(s *engine.Spec) { s.Init = new(bool) }
		},
		"extra": func(o *Options, _ *engine.Image, _ *[]engine.File) { o.Extra = func(s *engine.Spec) { s.Memory = 1 } },
	} {
		if plan(change, nil) == base {
			t.Errorf("%s: want another rqd, have the same", name)
		}
	}
}

// TestHashStays has the hash of an RQD of today. Whoever changes it makes every farm replace its RQDs when it updates its
// supervisors; a new field of the spec that is not set must not.
func TestHashStays(t *testing.T) {
	t.Parallel()
	o := Options{Name: "rqd", Image: "rqd:1", Hostname: "h", Socket: DefaultSocket, Environ: []string{"RQD_X=1"}, Extra: func(s *engine.Spec) {
		s.Memory, s.Devices = 1<<60+1, []engine.Device{{HostPath: "/dev/fuse"}}
	}}
	p, err := NewPlan(Spec(o), engine.Image{ID: "sha256:1"}, []engine.File{{Path: "/etc/opencue/rqd.conf", Mode: 0o644, Content: []byte("a")}}, nil)
	if want := "2047b1906144f027"; err != nil || p.Hash != want {
		t.Errorf("want %s, have %s, %v", want, p.Hash, err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put := func(path, content string, mode os.FileMode) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("etc/opencue/rqd.conf", "a", 0o640)
	put("etc/opencue/sub/more", "b", 0o444)
	put("run/secrets/token", "c", 0o400)
	put("data/real", "d", 0o600)
	if err := os.Symlink("real", filepath.Join(root, "data/link")); err != nil {
		t.Fatal(err)
	}
	have, err := Files(root, []string{"/run/secrets/token:/etc/token", "/data/link"})
	if err != nil {
		t.Fatal(err)
	}
	want := []engine.File{
		{Path: "/etc/opencue/rqd.conf", Mode: 0o640, Content: []byte("a")},
		{Path: "/etc/opencue/sub/more", Mode: 0o444, Content: []byte("b")},
		{Path: "/etc/token", Mode: 0o400, Content: []byte("c")},
		{Path: "/data/link", Mode: 0o600, Content: []byte("d")},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("files (-want +have):\n%s", diff)
	}
	if have, err := Files(t.TempDir(), nil); err != nil || have != nil {
		t.Errorf("no /etc/opencue: want nothing, have %v, %v", have, err)
	}
	for item, want := range map[string]string{
		"relative":      `RQD_FILES: "relative": want /path`,
		"/run/none":     `RQD_FILES: "/run/none": read /run/none: no such file or directory`,
		"/data/real:to": `RQD_FILES: "/data/real:to": want /path`,
	} {
		if _, err := Files(root, []string{item}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, have %v", item, want, err)
		}
	}
}

// TestExtraWins has RQD_RUN_ARGS meet what the run line sets itself.
func TestExtraWins(t *testing.T) {
	t.Parallel()
	bind := func(source, target string) engine.Mount {
		return engine.Mount{Type: engine.MountBind, Source: source, Target: target}
	}
	targets := func(s engine.Spec) (have []string) {
		for _, m := range s.Mounts {
			have = append(have, m.Source+":"+m.Target)
		}
		return have
	}
	ours := []string{"/tmp:/tmp", "/var/run/docker.sock:/var/run/docker.sock", "rqd-run:/run/rqd", "rqd-state:/var/lib/rqd"}
	for name, c := range map[string]struct {
		extra   func(*engine.Spec)
		network string
		log     string
		mounts  []string
	}{
		"nothing":       {func(*engine.Spec) {}, "host", "json-file map[max-file:3 max-size:10m]", ours},
		"publish":       {func(s *engine.Spec) { s.Ports = []engine.Port{{ContainerPort: "8444"}} }, "", "json-file map[max-file:3 max-size:10m]", ours},
		"publish all":   {func(s *engine.Spec) { s.PublishAllPorts = true }, "", "json-file map[max-file:3 max-size:10m]", ours},
		"network":       {func(s *engine.Spec) { s.NetworkMode = "farm" }, "farm", "json-file map[max-file:3 max-size:10m]", ours},
		"another mount": {func(s *engine.Spec) { s.Mounts = []engine.Mount{bind("/net", "/net")} }, "host", "json-file map[max-file:3 max-size:10m]", append(slices.Clone(ours), "/net:/net")},
		"own /tmp":      {func(s *engine.Spec) { s.Mounts = []engine.Mount{bind("/scratch", "/tmp")} }, "host", "json-file map[max-file:3 max-size:10m]", append(slices.Clone(ours[1:]), "/scratch:/tmp")},
		"tmpfs /tmp":    {func(s *engine.Spec) { s.Tmpfs = map[string]string{"/tmp": ""} }, "host", "json-file map[max-file:3 max-size:10m]", ours[1:]},
		"log option":    {func(s *engine.Spec) { s.Log.Options = map[string]string{"max-size": "1m"} }, "host", "json-file map[max-file:3 max-size:1m]", ours},
		"log driver":    {func(s *engine.Spec) { s.Log.Driver = "journald" }, "host", "journald map[]", ours},
	} {
		s := Spec(Options{Name: "rqd", Socket: DefaultSocket, Extra: c.extra})
		if s.NetworkMode != c.network {
			t.Errorf("%s: network: want %q, have %q", name, c.network, s.NetworkMode)
		}
		if have := fmt.Sprint(s.Log.Driver, " ", s.Log.Options); have != c.log {
			t.Errorf("%s: log: want %q, have %q", name, c.log, have)
		}
		if diff := cmp.Diff(c.mounts, targets(s)); diff != "" {
			t.Errorf("%s: mounts (-want +have):\n%s", name, diff)
		}
	}
}
