package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"rqdswarm/internal/capability"
	"rqdswarm/internal/engine"
)

// TestAsking has a quick source of the granted capabilities be right, wrong and absent: what is granted decides.
func TestAsking(t *testing.T) {
	t.Parallel()
	all := capability.Of(1<<63 - 1)
	if len(all) != 41 {
		t.Fatalf("want 41 capabilities, have %d", len(all))
	}
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(c string) bool { return slices.Contains(names, c) })
	}
	for name, c := range map[string]struct {
		says   []string
		err    error
		unsure bool // A search is needed.
	}{
		"right":         {says: without("SYS_RESOURCE", "BPF", "MKNOD")},
		"says too much": {says: without("SYS_RESOURCE"), unsure: true},
		"fails":         {err: errors.New("no image of ours"), unsure: true},
	} {
		fake := newFake()
		fake.RefusePrivileged("SYS_RESOURCE", "BPF", "MKNOD")
		fake.RefusePropagation()
		asked := 0
		d := engine.NewDegrader(fake, nil).Asking(func(context.Context) ([]string, error) { asked++; return c.says, c.err })
		for range 2 {
			s, err := d.Preflight(t.Context(), rqdSpec())
			if err != nil {
				t.Fatal(err)
			}
			wantDegraded(t, s)
		}
		if asked != 1 {
			t.Errorf("%s: want it asked once, have %d times", name, asked)
		}
		if n := count(fake.Calls(), "Start"); (n > 6) != c.unsure {
			t.Errorf("%s: want a search %t, have %d starts", name, c.unsure, n)
		}
	}
}

// TestEngineThatDoesNotKnowACapability is an engine older than its kernel: it refuses the name. The engine decides about
// the capabilities that came last; of others it is a search that finds out.
func TestEngineThatDoesNotKnowACapability(t *testing.T) {
	t.Parallel()
	all := capability.Of(1<<63 - 1)
	for name, c := range map[string]struct {
		says, want int // How many capabilities.
		unsure     bool
	}{
		"a recent one": {says: 40, want: 37},
		"an old one":   {says: 1, want: 40, unsure: true},
	} {
		fake := newFake()
		fake.RefusePrivileged("SYS_RESOURCE")
		d := engine.NewDegrader(fake, nil).Asking(func(context.Context) ([]string, error) {
			fake.Fail("Create", fmt.Errorf("create container: invalid CapAdd: unknown capability: %w", engine.ErrInvalid))
			if c.says == 1 {
				return []string{"CHOWN"}, nil
			}
			return slices.DeleteFunc(slices.Clone(all), func(c string) bool { return c == "SYS_RESOURCE" }), nil
		})
		s, err := d.Preflight(t.Context(), rqdSpec())
		if err != nil || len(s.CapAdd) != c.want {
			t.Errorf("%s: want %d capabilities, have %v, %v", name, c.want, s.CapAdd, err)
		}
		if n := count(fake.Calls(), "Start"); (n > 6) != c.unsure {
			t.Errorf("%s: want a search %t, have %d starts", name, c.unsure, n)
		}
	}
}
