package single_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"rqdswarm/rqdcore/single"
)

func TestOneOfEach(t *testing.T) {
	t.Parallel()
	id := single.Identity{HostName: "render01", Engine: t.Name(), StateDir: t.TempDir()}
	first, err := single.Take(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	sameName, sameState, neither := id, id, id
	sameName.StateDir = t.TempDir()
	sameState.HostName = "render02"
	neither.HostName, neither.StateDir = "render03", t.TempDir()
	for what, other := range map[string]single.Identity{"same host name": sameName, "same state directory": sameState} {
		if _, err := single.Take(t.Context(), other); !errors.Is(err, single.ErrTaken) {
			t.Errorf("%s: have %v, want %v", what, err, single.ErrTaken)
		}
	}
	second, err := single.Take(t.Context(), neither)
	if err != nil {
		t.Errorf("neither: %v", err)
	} else if err := second.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := single.Take(t.Context(), id)
	if err != nil {
		t.Fatalf("after the first one's end: %v", err)
	}
	_ = again.Close()
}

// TestWaitsForTheOneThatEnds has the claim given back while the next RQD waits for it.
func TestWaitsForTheOneThatEnds(t *testing.T) {
	t.Parallel()
	id := single.Identity{HostName: "render01", Engine: t.Name(), StateDir: t.TempDir()}
	first, err := single.Take(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second/5, func() { _ = first.Close() })
	second, err := single.Take(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Close()
}

func TestStateDirMustExist(t *testing.T) {
	t.Parallel()
	id := single.Identity{HostName: "render01", Engine: t.Name(), StateDir: "/nonexistent"}
	if _, err := single.Take(t.Context(), id); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("have %v, want %v", err, os.ErrNotExist)
	}
}
