package enginetest

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"testing"

	"rqdswarm/internal/engine"
)

// uniqueName is a container name that no other test has.
func uniqueName() string { return "rqd-test-" + strings.ToLower(rand.Text()[:12]) }

func nameBehaviours() []behaviour {
	return []behaviour{
		{"rename frees the old name at once, also of a running container", func(t *testing.T, s Subject) {
			old, renamed := uniqueName(), uniqueName()
			id := s.make(t, progSleep, func(spec *engine.Spec) { spec.Name = old })
			s.start(t, id)
			if err := s.Engine.Rename(t.Context(), id, renamed); err != nil {
				t.Fatalf("rename: %v", err)
			}
			if c := s.inspect(t, renamed); c.ID != id || c.State != engine.StateRunning {
				t.Errorf("want %s to run as %s, have %+v", id, renamed, c)
			}
			next := s.make(t, progSleep, func(spec *engine.Spec) { spec.Name = old })
			if c := s.inspect(t, old); c.ID != next {
				t.Errorf("want %s under the old name, have %s", next, c.ID)
			}
		}},
		{"rename to a name in use is a conflict", func(t *testing.T, s Subject) {
			name := uniqueName()
			s.make(t, progSleep, func(spec *engine.Spec) { spec.Name = name })
			id := s.make(t, progSleep)
			wantErr(t, s.Engine.Rename(t.Context(), id, name), engine.ErrConflict)
		}},
		{"container is found by name and by the start of its id", func(t *testing.T, s Subject) {
			name := uniqueName()
			id := s.make(t, progSleep, func(spec *engine.Spec) { spec.Name = name })
			for _, by := range []string{id, id[:16], name} {
				if c := s.inspect(t, by); c.ID != id || c.Name != name {
					t.Errorf("by %q: want %s named %s, have %s named %s", by, id, name, c.ID, c.Name)
				}
			}
		}},
		{"list selects by all labels and shows every state", showList},
	}
}

func showList(t *testing.T, s Subject) {
	scope := Scope(t, s.Engine)
	labelled := func(more map[string]string) func(*engine.Spec) {
		return func(spec *engine.Spec) {
			maps.Copy(spec.Labels, scope)
			maps.Copy(spec.Labels, more)
		}
	}
	created := s.make(t, progSleep, labelled(map[string]string{"kind": "a", "extra": "1"}))
	running := s.make(t, progSleep, labelled(map[string]string{"kind": "a"}))
	ended := s.make(t, progExit3, labelled(map[string]string{"kind": "b"}))
	s.start(t, running)
	s.start(t, ended)
	s.awaitEnd(t, ended)

	for _, c := range []struct {
		labels map[string]string
		want   []string
	}{
		{map[string]string{}, []string{created, running, ended}},
		{map[string]string{"kind": "a"}, []string{created, running}},
		{map[string]string{"kind": ""}, []string{created, running, ended}},
		{map[string]string{"kind": "a", "extra": ""}, []string{created}},
		{map[string]string{"kind": "c"}, nil},
	} {
		labels := maps.Clone(scope)
		maps.Copy(labels, c.labels)
		list, err := s.Engine.List(t.Context(), labels)
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		var have []string
		for _, found := range list {
			have = append(have, found.ID)
			full := s.inspect(t, found.ID)
			if found.Name != full.Name || found.State != full.State || found.Image != full.Image || !maps.Equal(found.Labels, full.Labels) {
				t.Errorf("want the list to agree with inspect, have %+v and %+v", found, full)
			}
		}
		slices.Sort(have)
		slices.Sort(c.want)
		if !slices.Equal(have, c.want) {
			t.Errorf("labels %v: want %v, have %v", c.labels, c.want, have)
		}
	}
}

func removeBehaviours() []behaviour {
	return []behaviour{
		{"removing a running container is a conflict", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			s.start(t, id)
			err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{})
			wantErr(t, err, engine.ErrConflict)
			if engine.IsGone(err) {
				t.Errorf("want it not to count as gone: %v", err)
			}
			wantState(t, s.inspect(t, id), engine.StateRunning, 0)
		}},
		{"forced removal takes a running container", func(t *testing.T, s Subject) {
			id := s.make(t, progDeaf)
			s.start(t, id)
			if err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{Force: true}); err != nil {
				t.Fatalf("remove: %v", err)
			}
			_, err := s.Engine.Inspect(t.Context(), id)
			wantErr(t, err, engine.ErrNotFound)
		}},
		{"second removal is gone", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			if err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{}); err != nil {
				t.Fatalf("remove: %v", err)
			}
			err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{Force: true})
			if !engine.IsGone(err) {
				t.Errorf("want it to count as gone, have %v", err)
			}
		}},
		{"many removals at once all count as done", func(t *testing.T, s Subject) {
			id := s.make(t, progDeaf)
			s.start(t, id)
			results := make(chan error)
			for range 6 {
				go func() { results <- s.Engine.Remove(t.Context(), id, engine.RemoveOptions{Force: true}) }()
			}
			for range 6 {
				if err := <-results; err != nil && !engine.IsGone(err) {
					t.Errorf("want done or gone, have %v", err)
				}
			}
		}},
		{"removal takes anonymous volumes and leaves named ones", showVolumes},
	}
}

func showVolumes(t *testing.T, s Subject) {
	name := uniqueName()
	id := s.make(t, progSleep, func(spec *engine.Spec) {
		spec.Mounts = []engine.Mount{
			{Type: engine.MountVolume, Target: "/anonymous"},
			{Type: engine.MountVolume, Source: name, Target: "/named"},
		}
	})
	mounts := s.inspect(t, id).Mounts
	if len(mounts) != 2 || mounts[0].Source == "" || mounts[1].Source != name {
		t.Fatalf("want an anonymous volume and %s, have %+v", name, mounts)
	}
	for _, m := range mounts {
		if v, err := s.Engine.VolumeInspect(t.Context(), m.Source); err != nil || v.Name != m.Source {
			t.Errorf("inspect volume: %+v, %v", v, err)
		}
	}
	wantErr(t, s.Engine.VolumeRemove(t.Context(), name), engine.ErrConflict)
	if err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{}); err != nil {
		t.Fatalf("remove: %v", err)
	}
	_, err := s.Engine.VolumeInspect(t.Context(), mounts[0].Source)
	wantErr(t, err, engine.ErrNotFound)
	if err := s.Engine.VolumeRemove(t.Context(), name); err != nil {
		t.Errorf("remove volume: %v", err)
	}
	wantErr(t, s.Engine.VolumeRemove(t.Context(), name), engine.ErrNotFound)
}
