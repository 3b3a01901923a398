package enginetest

import (
	"reflect"
	"slices"
	"testing"

	"rqdswarm/internal/engine"
)

func describeBehaviours() []behaviour {
	return []behaviour{
		{"mounts come back as they were asked for", func(t *testing.T, s Subject) {
			name := uniqueName()
			t.Cleanup(func() { _ = s.Engine.VolumeRemove(t.Context(), name) })
			id := s.make(t, progSleep, func(spec *engine.Spec) {
				spec.Mounts = []engine.Mount{
					{Type: engine.MountBind, Source: "/etc", Target: "/a-bind", ReadOnly: true},
					{Type: engine.MountBind, Source: "/tmp", Target: "/b-bind", Propagation: "private"},
					{Type: engine.MountVolume, Source: name, Target: "/c-volume", ReadOnly: true},
					{Type: engine.MountTmpfs, Target: "/d-tmpfs", TmpfsSize: 1 << 20, TmpfsMode: 0o700},
				}
			})
			want := []engine.Mount{
				{Type: engine.MountBind, Source: "/etc", Target: "/a-bind", ReadOnly: true, Propagation: "rprivate"},
				{Type: engine.MountBind, Source: "/tmp", Target: "/b-bind", Propagation: "private"},
				{Type: engine.MountVolume, Source: name, Target: "/c-volume", ReadOnly: true},
				{Type: engine.MountTmpfs, Target: "/d-tmpfs"},
			}
			if have := s.inspect(t, id).Mounts; !reflect.DeepEqual(have, want) {
				t.Errorf("want %+v, have %+v", want, have)
			}
			if err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{}); err != nil {
				t.Errorf("remove: %v", err)
			}
			if err := s.Engine.VolumeRemove(t.Context(), name); err != nil {
				t.Errorf("remove volume: %v", err)
			}
		}},
		{"environment is the image's with the container's over it", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep, func(spec *engine.Spec) { spec.Env = []string{"OWN=1", "PATH=/bin:/own", "SPACED=a b=c"} })
			env := s.inspect(t, id).Env
			for _, want := range []string{"OWN=1", "PATH=/bin:/own", "SPACED=a b=c", BusyboxEnv} {
				if !slices.Contains(env, want) {
					t.Errorf("want %s in %q", want, env)
				}
			}
			if slices.Contains(env, "PATH=/bin") {
				t.Errorf("want the image's PATH replaced, have %q", env)
			}
		}},
		{"labels come back", func(t *testing.T, s Subject) {
			want := map[string]string{"rqd.empty": "", "rqd.odd": `a=b,"c" \n ü`, "rqd/slash": "1"}
			id := s.make(t, progSleep, func(spec *engine.Spec) {
				for k, v := range want {
					spec.Labels[k] = v
				}
			})
			have := s.inspect(t, id).Labels
			for k, v := range want {
				if got, ok := have[k]; !ok || got != v {
					t.Errorf("label %s: want %q, have %q", k, v, got)
				}
			}
		}},
		{"identity and namespaces come back", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep, func(spec *engine.Spec) {
				spec.Hostname = "rqd-test-host"
				spec.Namespaces = engine.Namespaces{
					PIDMode: "host", NetworkMode: "none", IPCMode: "private", UsernsMode: "host", CgroupnsMode: "host",
				}
			})
			c := s.inspect(t, id)
			want := engine.Namespaces{PIDMode: "host", NetworkMode: "none", IPCMode: "private", UsernsMode: "host", CgroupnsMode: "host"}
			if c.Hostname != "rqd-test-host" || c.Namespaces != want || c.Image != s.Image || c.Privileged {
				t.Errorf("want host name, image %s and %+v, have %+v", s.Image, want, c)
			}
			image, err := s.Engine.Image(t.Context(), s.Image)
			if err != nil || c.ImageID != image.ID {
				t.Errorf("want image id %s, have %s (%v)", image.ID, c.ImageID, err)
			}
		}},
	}
}

func copyBehaviours() []behaviour {
	note := engine.File{Path: "/etc/rqd/deep/note", Mode: 0o640, UID: 1500, Content: []byte("written")}
	linked := engine.File{Path: "/var/run/linked", Mode: 0o644, Content: []byte("through a link\n")}
	return []behaviour{
		{"files reach a container before its first start", func(t *testing.T, s Subject) {
			id := s.make(t, progReadFile)
			if err := s.Engine.CopyTo(t.Context(), id, []engine.File{note, linked}); err != nil {
				t.Fatalf("copy: %v", err)
			}
			s.start(t, id)
			wantState(t, s.awaitEnd(t, id), engine.StateExited, 0)
			want := []string{"written", "755 0", "640 1500", "1777 0", "through a link"}
			if have := s.readLog(t, id, engine.LogOptions{}); !slices.Equal(have, want) {
				t.Errorf("want %q, have %q", want, have)
			}
		}},
		{"copying to a relative path is invalid", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			for _, path := range []string{"etc/x", "/etc/", ""} {
				wantErr(t, s.Engine.CopyTo(t.Context(), id, []engine.File{{Path: path}}), engine.ErrInvalid)
			}
		}},
	}
}
