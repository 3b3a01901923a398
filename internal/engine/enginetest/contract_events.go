package enginetest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"rqdswarm/internal/engine"
)

func eventBehaviours() []behaviour {
	return []behaviour{
		{"events tell a container's life in order", func(t *testing.T, s Subject) {
			scope := Scope(t, s.Engine)
			events, failed := s.Engine.Events(t.Context(), scope)
			name := uniqueName()
			id := s.make(t, progExit3, func(spec *engine.Spec) {
				spec.Name = name
				maps.Copy(spec.Labels, scope)
			})
			s.start(t, id)
			s.awaitEnd(t, id)
			if err := s.Engine.Rename(t.Context(), id, name+"-b"); err != nil {
				t.Fatalf("rename: %v", err)
			}
			if err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{}); err != nil {
				t.Fatalf("remove: %v", err)
			}
			var have []string
			for !slices.Contains(have, "destroy") {
				e, ok := <-events
				if !ok {
					t.Fatalf("the events ended after %q: %v", have, <-failed)
				}
				if e.ID != id || e.Labels[ScopeLabel] != scope[ScopeLabel] || e.Time.IsZero() {
					t.Errorf("want events of %s with its labels and a time, have %+v", id, e)
				}
				if wantName := map[bool]string{false: name, true: name + "-b"}[e.Action == "destroy" || e.Action == "rename"]; e.Name != wantName {
					t.Errorf("%s: want name %s, have %s", e.Action, wantName, e.Name)
				}
				have = append(have, e.Action)
			}
			if want := []string{"create", "start", "die", "rename", "destroy"}; !slices.Equal(have, want) {
				t.Errorf("want %q, have %q", want, have)
			}
		}},
		{"events are only of containers with the labels", func(t *testing.T, s Subject) {
			scope := Scope(t, s.Engine)
			events, _ := s.Engine.Events(t.Context(), scope)
			s.make(t, progSleep)
			id := s.make(t, progSleep, func(spec *engine.Spec) { maps.Copy(spec.Labels, scope) })
			if e := <-events; e.ID != id {
				t.Errorf("want the first event to be of %s, have %+v", id, e)
			}
		}},
		{"events end with the context and say so", func(t *testing.T, s Subject) {
			ctx, cancel := context.WithCancel(t.Context())
			events, failed := s.Engine.Events(ctx, map[string]string{ScopeLabel: "nobody"})
			cancel()
			if e, ok := <-events; ok {
				t.Errorf("want no event, have %+v", e)
			}
			wantErr(t, <-failed, context.Canceled)
		}},
	}
}
