package pull

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
)

// Policy says when a registry is asked.
type Policy string

// The policies. Always falls back to the local image; Missing asks only where there is none; Never does not ask.
const (
	Always  Policy = "always"
	Missing Policy = "missing"
	Never   Policy = "never"
)

// Valid says that p is one of the policies.
func (p Policy) Valid() bool { return p == Always || p == Missing || p == Never }

// attempts bounds the tries with one registry; with the delays between them it stays far below the time after
// which Cuebot gives a host up.
const (
	attempts   = 4
	firstDelay = time.Second
	// stalled is for how long a pull may say nothing.
	stalled = time.Minute
)

// Images is the engine's store of images.
type Images interface {
	Image(ctx context.Context, ref string) (engine.Image, error)
	Pull(ctx context.Context, r engine.PullRequest) (string, error)
}

// Credentials finds what a registry wants to see; nil is nothing. It is asked before each attempt: tokens expire.
type Credentials func(ctx context.Context, registry string) (*engine.RegistryAuth, error)

// Puller gets one image.
type Puller struct {
	Images      Images
	Reference   string
	Policy      Policy
	Credentials Credentials
	Log         zerolog.Logger
}

// Resolve returns the local image, pulled as the policy says. The error names the image and says what was tried.
func (p Puller) Resolve(ctx context.Context) (engine.Image, error) {
	ref, err := engine.ParseReference(p.Reference)
	if err != nil {
		return engine.Image{}, err
	}
	local, localErr := p.Images.Image(ctx, p.Reference)
	if localErr != nil && !errors.Is(localErr, engine.ErrNotFound) {
		return engine.Image{}, localErr
	}
	found := localErr == nil
	if p.Policy == Never || !ref.Pullable() || (p.Policy == Missing && found) {
		if !found {
			return engine.Image{}, fmt.Errorf("image %s is not on this node and RQD_PULL=%s forbids pulling it: %w", p.Reference, p.Policy, localErr)
		}
		p.Log.Info().Str("image", p.Reference).Str("image_id", local.ID).Msg("local image taken")
		return local, nil
	}
	pulled, err := p.pull(ctx, ref)
	switch {
	case err == nil:
		p.Log.Info().Str("image", p.Reference).Str("image_id", pulled.ID).Strs("digests", pulled.Digests).Msg("image pulled")
		return pulled, nil
	case ctx.Err() != nil:
		return engine.Image{}, ctx.Err()
	case found:
		p.Log.Warn().Err(err).Str("image", p.Reference).Str("image_id", local.ID).Msg("image not pulled, local image taken")
		return local, nil
	default:
		return engine.Image{}, fmt.Errorf("image %s is neither on this node nor pullable: %w", p.Reference, err)
	}
}

// pull asks the registry, and again with growing delays while it merely does not answer.
func (p Puller) pull(ctx context.Context, ref engine.Reference) (engine.Image, error) {
	delay := firstDelay
	for try := 1; ; try++ {
		err := p.attempt(ctx, ref)
		if err == nil {
			return p.Images.Image(ctx, p.Reference)
		}
		if ctx.Err() != nil || try == attempts || !errors.Is(err, engine.ErrUnavailable) {
			return engine.Image{}, err
		}
		p.Log.Warn().Err(err).Int("attempt", try).Stringer("retry_in", delay).Msg("pull failed")
		select {
		case <-ctx.Done():
			return engine.Image{}, ctx.Err()
		case <-time.After(delay):
		}
		delay *= 2
	}
}

// attempt pulls once. A pull that makes no progress is given up.
func (p Puller) attempt(ctx context.Context, ref engine.Reference) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stalled, func() { cancel(fmt.Errorf("%w: no progress for %s", engine.ErrUnavailable, stalled)) })
	defer watchdog.Stop()

	var auth *engine.RegistryAuth
	if p.Credentials != nil {
		var err error
		if auth, err = p.Credentials(ctx, ref.Registry); err != nil {
			return fmt.Errorf("find credentials for %s: %w", ref.Registry, err)
		}
	}
	progress := newProgress(p.Log)
	_, err := p.Images.Pull(ctx, engine.PullRequest{Reference: p.Reference, Auth: auth, Progress: func(step engine.PullProgress) {
		watchdog.Reset(stalled)
		progress.take(step, time.Now())
	}})
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, engine.ErrUnavailable) {
		return cause
	}
	return err
}
