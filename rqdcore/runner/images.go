package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"

	"rqdswarm/internal/engine"
)

// ImageStore is what of the engine concerns images.
type ImageStore interface {
	Image(ctx context.Context, ref string) (engine.Image, error)
	Pull(ctx context.Context, req engine.PullRequest) (digest string, err error)
}

// Images makes sure that an image is on the host before a frame needs it. A pull is shared by
// all frames that wait for the same image, outside of any lock, and outlives each of them.
type Images struct {
	store ImageStore
	auth  Credentials
	log   zerolog.Logger
	pulls singleflight.Group

	mu      sync.Mutex
	present map[string]bool // Seen on this host; a frame's create finds out when that is no longer so.
}

// Credentials finds what a registry wants to see; nil where nothing is known. It models registry.Store's method.
type Credentials func(ctx context.Context, registry string) (*engine.RegistryAuth, error)

// NewImages returns an Images that asks auth for a registry's credentials at each pull; nil pulls anonymously.
func NewImages(store ImageStore, auth Credentials, log zerolog.Logger) *Images {
	return &Images{store: store, auth: auth, log: log, present: make(map[string]bool)}
}

// Ensure returns when the image is local. A local image is taken as it is, whatever the registry has.
func (i *Images) Ensure(ctx context.Context, ref string) error {
	if i.isPresent(ref) {
		return nil
	}
	_, err := i.store.Image(ctx, ref)
	switch {
	case err == nil:
		i.setPresent(ref, true)
		return nil
	case !errors.Is(err, engine.ErrNotFound):
		return fmt.Errorf("inspect image %s: %w", ref, err)
	}
	return i.pull(ctx, ref)
}

// Refresh pulls every image that its registry has a newer one of, one after the other. What
// cannot be pulled is logged: a frame that needs it and finds none says so in its rqlog.
func (i *Images) Refresh(ctx context.Context, refs []string) {
	for _, ref := range refs {
		err := i.pull(ctx, ref)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if _, missing := i.store.Image(ctx, ref); missing == nil {
			i.log.Info().Err(err).Str("image", ref).Msg("image not refreshed, local copy is used")
			continue
		}
		i.log.Warn().Err(err).Str("image", ref).Msg("image missing, frames that need it will try again")
	}
}

// Forget makes the next Ensure look again.
func (i *Images) Forget(ref string) { i.setPresent(ref, false) }

func (i *Images) pull(ctx context.Context, ref string) error {
	done := i.pulls.DoChan(ref, func() (any, error) {
		return nil, i.pullNow(context.WithoutCancel(ctx), ref)
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (i *Images) pullNow(ctx context.Context, ref string) error {
	req := engine.PullRequest{Reference: ref}
	if i.auth != nil {
		parsed, err := engine.ParseReference(ref)
		if err != nil {
			return err
		}
		if req.Auth, err = i.auth(ctx, parsed.Registry); err != nil {
			return fmt.Errorf("read credentials for %s: %w", ref, err)
		}
	}
	i.log.Info().Str("image", ref).Msg("image pull started")
	digest, err := i.watched(ctx, req)
	if err != nil {
		return fmt.Errorf("pull image %s: %w", ref, err)
	}
	i.log.Info().Str("image", ref).Str("digest", digest).Msg("image pulled")
	i.setPresent(ref, true)
	return nil
}

// pullStall is how long a pull may go on without a step. A large layer is silent while its checksum is verified, for less.
const pullStall = 5 * time.Minute

var errStalled = fmt.Errorf("no progress for %v: the registry hangs, or what is between", pullStall)

// watched is a pull that ends when it stands still: a frame would wait for it for ever, and each later one would join it.
func (i *Images) watched(ctx context.Context, req engine.PullRequest) (digest string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(pullStall, func() { cancel(errStalled) })
	defer stall.Stop()
	req.Progress = func(engine.PullProgress) { stall.Reset(pullStall) }
	digest, err = i.store.Pull(ctx, req)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return digest, err
}

func (i *Images) isPresent(ref string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.present[ref]
}

func (i *Images) setPresent(ref string, present bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.present[ref] = present
}
