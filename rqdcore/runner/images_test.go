package runner

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

const remoteImage = "registry.example:5000/show/rocky9:4"

// countingStore counts pulls.
type countingStore struct {
	*enginetest.Fake
	pulls atomic.Int32
}

func (s *countingStore) Pull(ctx context.Context, req engine.PullRequest) (string, error) {
	s.pulls.Add(1)
	return s.Fake.Pull(ctx, req)
}

// TestOnePullForAllFrames has twenty frames wait for one image: one pull, with the registry's credentials.
func TestOnePullForAllFrames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		auth := &engine.RegistryAuth{Username: "farm", Password: "secret"}
		store := &countingStore{Fake: enginetest.NewFake()}
		store.AddRemote(remoteImage, enginetest.Remote{Auth: auth, Takes: time.Minute})
		images := NewImages(store, func(_ context.Context, registry string) (*engine.RegistryAuth, error) {
			if registry != "registry.example:5000" {
				t.Errorf("asked for the credentials of %q", registry)
			}
			return auth, nil
		}, zerolog.Nop())
		var frames sync.WaitGroup
		for range 20 {
			frames.Go(func() {
				if err := images.Ensure(t.Context(), remoteImage); err != nil {
					t.Error(err)
				}
			})
		}
		frames.Wait()
		if err := images.Ensure(t.Context(), remoteImage); err != nil {
			t.Error(err)
		}
		if have := store.pulls.Load(); have != 1 {
			t.Errorf("have %d pulls, want 1", have)
		}
	})
}

// TestPullOutlivesItsFrame kills the frame that began the pull; the other one gets the image.
func TestPullOutlivesItsFrame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{Fake: enginetest.NewFake()}
		store.AddRemote(remoteImage, enginetest.Remote{Takes: time.Minute})
		images := NewImages(store, nil, zerolog.Nop())
		first, kill := context.WithCancel(t.Context())
		var frames sync.WaitGroup
		frames.Go(func() {
			if err := images.Ensure(first, remoteImage); !errors.Is(err, context.Canceled) {
				t.Errorf("killed frame: have %v, want %v", err, context.Canceled)
			}
		})
		synctest.Wait()
		frames.Go(func() {
			if err := images.Ensure(t.Context(), remoteImage); err != nil {
				t.Errorf("other frame: %v", err)
			}
		})
		synctest.Wait()
		kill()
		frames.Wait()
		if have := store.pulls.Load(); have != 1 {
			t.Errorf("have %d pulls, want 1", have)
		}
	})
}

// hangingStore has a registry that sends some steps and then hangs, at the first pull.
type hangingStore struct {
	countingStore
	steps int // One a minute.
}

func (s *hangingStore) Pull(ctx context.Context, req engine.PullRequest) (string, error) {
	if s.pulls.Load() > 0 {
		return s.countingStore.Pull(ctx, req)
	}
	s.pulls.Add(1)
	for range s.steps {
		time.Sleep(time.Minute)
		req.Progress(engine.PullProgress{Status: "Downloading"})
	}
	<-ctx.Done()
	return "", ctx.Err()
}

// TestPullThatStandsStill ends: the frame says so, and the next one pulls anew.
func TestPullThatStandsStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{countingStore: countingStore{Fake: enginetest.NewFake()}, steps: 30}
		store.AddRemote(remoteImage, enginetest.Remote{Takes: time.Minute})
		images := NewImages(store, nil, zerolog.Nop())
		began := time.Now()
		err := images.Ensure(t.Context(), remoteImage)
		if !errors.Is(err, errStalled) || !strings.Contains(err.Error(), remoteImage) {
			t.Errorf("have %v, want it to name the image and that it stood still", err)
		}
		if have, want := time.Since(began), 30*time.Minute+pullStall; have != want {
			t.Errorf("have an end after %v, want %v", have, want)
		}
		if err := images.Ensure(t.Context(), remoteImage); err != nil {
			t.Errorf("next frame: %v", err)
		}
	})
}
