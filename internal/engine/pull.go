package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/opencontainers/go-digest"
)

// PullRequest names an image to fetch.
type PullRequest struct {
	Reference string
	// Auth is what the registry wants to see; nil pulls anonymously.
	Auth *RegistryAuth
	// Progress receives each step, from the goroutine that called Pull; nil discards them.
	Progress func(PullProgress)
}

// Pull fetches an image and returns the digest its registry gave it, or "" where the engine does
// not say. What the registry does not have, or hides from strangers, is ErrNotFound; refused
// credentials are ErrUnauthorized; any other failure is ErrUnavailable: the registry did not serve.
func (c *Client) Pull(ctx context.Context, r PullRequest) (string, error) {
	ref, err := ParseReference(r.Reference)
	if err != nil {
		return "", err
	}
	if !ref.Pullable() {
		return "", as(ErrInvalid, fmt.Errorf("pull image %s: an image id is local; a registry serves names", ref))
	}
	header, err := encodeAuth(r.Auth)
	if err != nil {
		return "", classifyPull(ref, err)
	}
	body, err := c.api.ImagePull(ctx, ref.String(), image.PullOptions{RegistryAuth: header})
	if err != nil {
		return "", classifyPull(ref, err)
	}
	defer func() { _ = body.Close() }()

	var found string
	err = readProgress(body, func(m progressMessage) {
		if d := m.digest(); d != "" {
			found = d
		}
		if r.Progress != nil {
			r.Progress(m.toProgress())
		}
	})
	return found, classifyPull(ref, err)
}

// classifyPull gives every failure of a pull a class: what the engine calls its own internal error
// is, here, a registry that cannot be reached or broke off.
func classifyPull(ref Reference, err error) error {
	err = classify("pull image "+ref.String(), err)
	var c *classified
	switch {
	case err == nil, errors.As(err, &c), errors.Is(err, context.Canceled):
		return err
	case isRegistryRefusal(err.Error()):
		return as(ErrUnauthorized, err)
	}
	return as(ErrUnavailable, err)
}

// isRegistryRefusal finds a registry's 401 in the engine's prose: the engine answers 500 to it
// (20.10), so there is nothing else to tell it by.
func isRegistryRefusal(text string) bool {
	phrases := []string{"no basic auth credentials", "unauthorized:", "authentication required", "401 Unauthorized", "failed to authorize"}
	return slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(text, p) })
}

// encodeAuth is the X-Registry-Auth header; an empty one means anonymous.
func encodeAuth(a *RegistryAuth) (string, error) {
	if a == nil {
		return "", nil
	}
	return registry.EncodeAuthConfig(registry.AuthConfig{
		Username:      a.Username,
		Password:      a.Password,
		IdentityToken: a.IdentityToken,
		RegistryToken: a.RegistryToken,
		ServerAddress: a.ServerAddress,
	})
}

// digest finds the manifest's digest in a step: the API has no field for it, only this line.
func (m progressMessage) digest() string {
	text, ok := strings.CutPrefix(m.Status, "Digest: ")
	if !ok {
		return ""
	}
	d, err := digest.Parse(text)
	if err != nil {
		return ""
	}
	return d.String()
}

func (m progressMessage) toProgress() PullProgress {
	return PullProgress{Layer: m.ID, Status: m.Status, Current: m.Detail.Current, Total: m.Detail.Total}
}
