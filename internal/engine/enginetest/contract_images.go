package enginetest

import (
	"strings"
	"testing"

	"rqdswarm/internal/engine"
)

func imageBehaviours() []behaviour {
	return []behaviour{
		{"local image describes itself", func(t *testing.T, s Subject) {
			image, err := s.Engine.Image(t.Context(), s.Image)
			if err != nil {
				t.Fatalf("image: %v", err)
			}
			if !strings.HasPrefix(image.ID, "sha256:") || image.Labels[BusyboxLabel] == "" || image.HasHealthcheck {
				t.Errorf("want an id, the label %s and no health check, have %+v", BusyboxLabel, image)
			}
			byID, err := s.Engine.Image(t.Context(), image.ID)
			if err != nil || byID.ID != image.ID {
				t.Errorf("want the same image by its id, have %+v, %v", byID, err)
			}
		}},
		{"image that is not local is not found", func(t *testing.T, s Subject) {
			_, err := s.Engine.Image(t.Context(), "rqd-test-no-such-image:1")
			wantErr(t, err, engine.ErrNotFound)
			wantErr(t, s.Engine.RemoveImage(t.Context(), "rqd-test-no-such-image:1"), engine.ErrNotFound)
		}},
		{"malformed reference is invalid", func(t *testing.T, s Subject) {
			for _, ref := range []string{"UPPER:1", "a b", "", "sha256:" + strings.Repeat("a", 64)} {
				_, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: ref})
				wantErr(t, err, engine.ErrInvalid)
			}
		}},
		{"pull brings the image, its digest and progress", showPull},
		{"pull of what the registry does not have is not found", func(t *testing.T, s Subject) {
			ref := s.Offer(t, nil)
			for _, missing := range []string{ref + "-no-such-tag", strings.Replace(ref, "/rqd-test", "/no-such", 1)} {
				_, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: missing})
				wantErr(t, err, engine.ErrNotFound)
			}
		}},
		{"pull without the credentials is unauthorized", func(t *testing.T, s Subject) {
			ref := s.Offer(t, RegistryAuth())
			wrong := RegistryAuth()
			wrong.Password = "wrong"
			for _, auth := range []*engine.RegistryAuth{nil, wrong} {
				_, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: ref, Auth: auth})
				wantErr(t, err, engine.ErrUnauthorized)
			}
			if _, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: ref, Auth: RegistryAuth()}); err != nil {
				t.Errorf("pull with the credentials: %v", err)
			}
		}},
		{"pull from a dead registry is unavailable", func(t *testing.T, s Subject) {
			_, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: s.DeadRegistry})
			wantErr(t, err, engine.ErrUnavailable)
		}},
		{"image in use is not removed", func(t *testing.T, s Subject) {
			ref := s.Offer(t, nil)
			if _, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: ref}); err != nil {
				t.Fatalf("pull: %v", err)
			}
			id := s.make(t, progSleep, func(spec *engine.Spec) { spec.Image = ref })
			wantErr(t, s.Engine.RemoveImage(t.Context(), ref), engine.ErrConflict)
			if err := s.Engine.Remove(t.Context(), id, engine.RemoveOptions{}); err != nil {
				t.Fatalf("remove: %v", err)
			}
			if err := s.Engine.RemoveImage(t.Context(), ref); err != nil {
				t.Errorf("remove image: %v", err)
			}
		}},
	}
}

func showPull(t *testing.T, s Subject) {
	ref := s.Offer(t, nil)
	_, err := s.Engine.Image(t.Context(), ref)
	wantErr(t, err, engine.ErrNotFound)

	var steps []engine.PullProgress
	digest, err := s.Engine.Pull(t.Context(), engine.PullRequest{
		Reference: ref,
		Progress:  func(p engine.PullProgress) { steps = append(steps, p) },
	})
	if err != nil {
		t.Fatalf("pull: %v", err)
	}
	image, err := s.Engine.Image(t.Context(), ref)
	if err != nil {
		t.Fatalf("image: %v", err)
	}
	parsed, err := engine.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	pinned := parsed.Registry + "/" + parsed.Repository + "@" + digest
	if !strings.HasPrefix(digest, "sha256:") || len(image.Digests) != 1 || image.Digests[0] != pinned {
		t.Errorf("want the digest %q among the image's, have %q", pinned, image.Digests)
	}
	if len(steps) == 0 || steps[0].Status == "" {
		t.Errorf("want steps of progress, have %+v", steps)
	}
	if again, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: ref}); err != nil || again != digest {
		t.Errorf("second pull: want %s, have %s, %v", digest, again, err)
	}
	if _, err := s.Engine.Pull(t.Context(), engine.PullRequest{Reference: pinned}); err != nil {
		t.Errorf("pull by digest: %v", err)
	}
}
