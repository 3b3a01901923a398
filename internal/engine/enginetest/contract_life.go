package enginetest

import (
	"context"
	"regexp"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

func createBehaviours() []behaviour {
	return []behaviour{
		{"created container waits to be started", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(id) {
				t.Errorf("want an id of 64 hexadecimal digits, have %q", id)
			}
			c := s.inspect(t, id)
			wantState(t, c, engine.StateCreated, 0)
			if c.PID != 0 || !c.StartedAt.IsZero() || !c.FinishedAt.IsZero() || c.Created.IsZero() {
				t.Errorf("want no pid and no times but Created, have %+v", c)
			}
		}},
		{"name in use is a conflict", func(t *testing.T, s Subject) {
			named := func(spec *engine.Spec) { spec.Name = uniqueName() }
			c := s.inspect(t, s.make(t, progSleep, named))
			_, _, err := s.Engine.Create(t.Context(), engine.Spec{Name: c.Name, Image: s.Image})
			wantErr(t, err, engine.ErrConflict)
		}},
		{"unknown image is not found", func(t *testing.T, s Subject) {
			_, _, err := s.Engine.Create(t.Context(), engine.Spec{Image: "rqd-test-no-such-image:1"})
			wantErr(t, err, engine.ErrNotFound)
		}},
		{"bad name, mount and port are invalid", func(t *testing.T, s Subject) {
			for _, spec := range []engine.Spec{
				{Image: s.Image, Name: "no spaces"},
				{Image: s.Image, Mounts: []engine.Mount{{Type: engine.MountBind, Source: "relative", Target: "/x"}}},
				{Image: s.Image, Mounts: []engine.Mount{{Type: engine.MountVolume, Source: "v", Target: "x"}}},
				{Image: s.Image, Mounts: []engine.Mount{{Type: "odd", Target: "/x"}}},
				{Image: s.Image, Ports: []engine.Port{{ContainerPort: "many"}}},
			} {
				_, _, err := s.Engine.Create(t.Context(), spec)
				wantErr(t, err, engine.ErrInvalid)
			}
		}},
	}
}

func runBehaviours() []behaviour {
	return []behaviour{
		{"started container runs", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			s.start(t, id)
			c := s.inspect(t, id)
			wantState(t, c, engine.StateRunning, 0)
			if c.PID == 0 || c.StartedAt.IsZero() || !c.FinishedAt.IsZero() {
				t.Errorf("want a pid and StartedAt but no FinishedAt, have %+v", c)
			}
		}},
		{"starting a running container does nothing", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			s.start(t, id)
			before := s.inspect(t, id)
			s.start(t, id)
			if after := s.inspect(t, id); !after.StartedAt.Equal(before.StartedAt) {
				t.Errorf("want it to run since %v, have %v", before.StartedAt, after.StartedAt)
			}
		}},
		{"ended container can be started again, and its end is remembered", func(t *testing.T, s Subject) {
			id := s.make(t, progTermExit0)
			var ended time.Time
			for range 2 {
				s.start(t, id)
				if c := s.inspect(t, id); !c.FinishedAt.Equal(ended) {
					t.Errorf("want the end of the run before, %s, have %s", ended, c.FinishedAt)
				}
				if err := s.Engine.Signal(t.Context(), id, "KILL"); err != nil {
					t.Fatalf("signal: %v", err)
				}
				c := s.awaitEnd(t, id)
				wantState(t, c, engine.StateExited, 137)
				ended = c.FinishedAt
			}
		}},
		{"missing program keeps it from starting", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep, func(spec *engine.Spec) { spec.Entrypoint = []string{"/no/such/program"} })
			wantErr(t, s.Engine.Start(t.Context(), id), engine.ErrInvalid)
			c := s.inspect(t, id)
			if c.State != engine.StateCreated || c.Error == "" {
				t.Errorf("want it created, with an error; have %s, error %q", c.State, c.Error)
			}
		}},
		{"exit code is kept", func(t *testing.T, s Subject) {
			for code, p := range map[int]Program{0: progExit0, 3: progExit3} {
				id := s.make(t, p)
				s.start(t, id)
				c := s.awaitEnd(t, id)
				wantState(t, c, engine.StateExited, code)
				if c.PID != 0 || c.StartedAt.IsZero() || c.FinishedAt.IsZero() {
					t.Errorf("want both times and no pid, have %+v", c)
				}
			}
		}},
		{"calls on an unknown container are not found", func(t *testing.T, s Subject) {
			ctx, id := t.Context(), "rqd-test-no-such-container"
			_, inspectErr := s.Engine.Inspect(ctx, id)
			for _, err := range []error{
				inspectErr,
				s.Engine.Start(ctx, id),
				s.Engine.Signal(ctx, id, "SIGTERM"),
				s.Engine.Stop(ctx, id, time.Second),
				s.Engine.Rename(ctx, id, uniqueName()),
				s.Engine.Remove(ctx, id, engine.RemoveOptions{}),
				s.Engine.Remove(ctx, id, engine.RemoveOptions{Force: true}),
				s.Engine.CopyTo(ctx, id, []engine.File{{Path: "/a/b", Mode: 0o644}}),
				s.Engine.Logs(ctx, id, engine.LogOptions{Follow: true}, func(engine.LogLine) error { return nil }),
			} {
				wantErr(t, err, engine.ErrNotFound)
			}
		}},
		{"cancelled call says so", func(t *testing.T, s Subject) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := s.Engine.Inspect(ctx, "rqd-test-no-such-container")
			wantErr(t, err, context.Canceled)
		}},
		{"engine answers and describes itself", func(t *testing.T, s Subject) {
			if err := s.Engine.Ping(t.Context()); err != nil {
				t.Errorf("ping: %v", err)
			}
			info, err := s.Engine.Info(t.Context())
			if err != nil {
				t.Fatalf("info: %v", err)
			}
			if info.Version == "" || info.APIVersion == "" || info.NCPU == 0 || info.MemTotal == 0 || info.CgroupVersion == 0 || info.DataRoot == "" || info.Name == "" {
				t.Errorf("want every figure, have %+v", info)
			}
		}},
	}
}
