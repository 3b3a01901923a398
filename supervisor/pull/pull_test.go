package pull

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

func TestResolve(t *testing.T) {
	away := engine.ErrUnavailable
	for name, c := range map[string]struct {
		policy Policy
		local  string // The local image's id; none when empty.
		remote *enginetest.Remote
		want   string // The id, or part of the error.
		pulls  int
		takes  time.Duration
	}{
		"always, new one there":     {Always, "sha256:old", &enginetest.Remote{Image: engine.Image{ID: "sha256:new"}}, "sha256:new", 1, 0},
		"always, no local":          {Always, "", &enginetest.Remote{Image: engine.Image{ID: "sha256:new"}}, "sha256:new", 1, 0},
		"always, registry without":  {Always, "sha256:old", nil, "sha256:old", 1, 0},
		"always, comes back":        {Always, "sha256:old", &enginetest.Remote{Image: engine.Image{ID: "sha256:new"}, Errors: []error{away, away}}, "sha256:new", 3, 3 * time.Second},
		"always, stays away":        {Always, "sha256:old", &enginetest.Remote{Errors: []error{away, away, away, away}}, "sha256:old", 4, 7 * time.Second},
		"always, stalls":            {Always, "sha256:old", &enginetest.Remote{Takes: time.Hour}, "sha256:old", 4, 4*stalled + 7*time.Second},
		"always, nowhere":           {Always, "", nil, "image farm/rqd:1 is neither on this node nor pullable: ", 1, 0},
		"always, wrong credentials": {Always, "", &enginetest.Remote{Auth: &engine.RegistryAuth{Username: "u"}}, "authentication required", 1, 0},
		"missing, local":            {Missing, "sha256:old", &enginetest.Remote{Image: engine.Image{ID: "sha256:new"}}, "sha256:old", 0, 0},
		"missing, no local":         {Missing, "", &enginetest.Remote{Image: engine.Image{ID: "sha256:new"}}, "sha256:new", 1, 0},
		"never, local":              {Never, "sha256:old", &enginetest.Remote{Image: engine.Image{ID: "sha256:new"}}, "sha256:old", 0, 0},
		"never, no local":           {Never, "", &enginetest.Remote{Image: engine.Image{ID: "sha256:new"}}, "image farm/rqd:1 is not on this node and RQD_PULL=never", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := enginetest.NewFake()
				if c.local != "" {
					fake.AddImage(engine.Image{ID: c.local, Tags: []string{"farm/rqd:1"}})
				}
				if c.remote != nil {
					fake.AddRemote("farm/rqd:1", *c.remote)
				}
				begun := time.Now()
				image, err := Puller{Images: fake, Reference: "farm/rqd:1", Policy: c.policy, Log: zerolog.Nop()}.Resolve(t.Context())
				if takes := time.Since(begun); takes != c.takes {
					t.Errorf("want it to take %s, have %s", c.takes, takes)
				}
				if strings.HasPrefix(c.want, "sha256:") {
					if err != nil || image.ID != c.want {
						t.Errorf("want %s, have %s, %v", c.want, image.ID, err)
					}
				} else if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("want error %q, have %v", c.want, err)
				}
				pulls := 0
				for _, call := range fake.Calls() {
					if call.Method == "Pull" {
						pulls++
					}
				}
				if pulls != c.pulls {
					t.Errorf("want %d pulls, have %d", c.pulls, pulls)
				}
			})
		})
	}
}

// TestCredentialsAreReadForEachAttempt has a token that expires between two.
func TestCredentialsAreReadForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := enginetest.NewFake()
		right := &engine.RegistryAuth{Username: "u", Password: "second"}
		fake.AddRemote("reg.example.com/rqd:1", enginetest.Remote{Auth: right, Errors: []error{engine.ErrUnavailable}})
		var asked []string
		credentials := func(_ context.Context, registry string) (*engine.RegistryAuth, error) {
			asked = append(asked, registry)
			if len(asked) == 1 {
				return &engine.RegistryAuth{Username: "u", Password: "first"}, nil
			}
			return right, nil
		}
		p := Puller{Images: fake, Reference: "reg.example.com/rqd:1", Policy: Always, Credentials: credentials, Log: zerolog.Nop()}
		if _, err := p.Resolve(t.Context()); err != nil {
			t.Fatal(err)
		}
		if strings.Join(asked, " ") != "reg.example.com reg.example.com" {
			t.Errorf("want the registry asked for twice, have %v", asked)
		}
	})
}

func TestResolveEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := enginetest.NewFake()
		fake.AddRemote("rqd:1", enginetest.Remote{Takes: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := (Puller{Images: fake, Reference: "rqd:1", Policy: Always}).Resolve(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("want the deadline, have %v", err)
		}
	})
}
