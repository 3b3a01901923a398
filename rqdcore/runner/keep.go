package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
)

// keepEvery is how often images are looked through.
const keepEvery = time.Hour

// ImageRemover deletes local images. It models *engine.Client.
type ImageRemover interface {
	RemoveImage(ctx context.Context, ref string) error
}

// Documents remembers across restarts. It models *journal.Dir.
type Documents interface {
	Put(name string, v any) error
	Delete(name string) error
	Load(take func(name string, raw []byte) error) (aside []error, err error)
}

// KeepConfig is what NewKeeper needs.
type KeepConfig struct {
	Store      ImageRemover
	Documents  Documents
	Configured []string      // References of [docker.images].
	Keep       time.Duration // IMAGE_KEEP_DAYS; 0 removes nothing.
	Log        zerolog.Logger
}

// Keeper removes frame images that this RQD once used and no configuration names any more.
// Images that it never used are somebody else's, and one that a container needs is kept by the engine.
type Keeper struct {
	cfg KeepConfig

	mu   sync.Mutex
	used map[string]time.Time // By reference.
}

// imageUse is the document of one image.
type imageUse struct {
	Reference string    `json:"reference"`
	Used      time.Time `json:"used"`
}

// NewKeeper remembers what earlier RQDs used.
func NewKeeper(cfg KeepConfig) (*Keeper, error) {
	k := &Keeper{cfg: cfg, used: make(map[string]time.Time)}
	aside, err := cfg.Documents.Load(func(_ string, raw []byte) error {
		var u imageUse
		if err := json.Unmarshal(raw, &u); err != nil {
			return err
		}
		k.used[u.Reference] = u.Used
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load image uses: %w", err)
	}
	for _, a := range aside {
		cfg.Log.Warn().Err(a).Msg("image use unreadable")
	}
	return k, nil
}

// Run looks through the images from time to time, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		for _, ref := range k.cfg.Configured {
			k.Used(ref)
		}
		k.sweep(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Used notes that an image is needed now. The note is on the disk once an hour at most.
func (k *Keeper) Used(ref string) {
	now := time.Now()
	k.mu.Lock()
	fresh := now.Sub(k.used[ref]) < keepEvery
	if !fresh {
		k.used[ref] = now
	}
	k.mu.Unlock()
	if fresh {
		return
	}
	if err := k.cfg.Documents.Put(ref, imageUse{ref, now}); err != nil {
		k.cfg.Log.Warn().Err(err).Str("image", ref).Msg("note image use")
	}
}

func (k *Keeper) sweep(ctx context.Context) {
	if k.cfg.Keep == 0 {
		return
	}
	for _, ref := range k.unused(time.Now().Add(-k.cfg.Keep)) {
		err := k.cfg.Store.RemoveImage(ctx, ref)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			k.cfg.Log.Debug().Err(err).Str("image", ref).Msg("image kept")
			continue
		}
		k.cfg.Log.Info().Str("image", ref).Msg("image removed: not configured, and not used for IMAGE_KEEP_DAYS")
		k.forget(ref)
	}
}

func (k *Keeper) unused(before time.Time) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var refs []string
	for ref, used := range k.used {
		if used.Before(before) && !slices.Contains(k.cfg.Configured, ref) {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

func (k *Keeper) forget(ref string) {
	k.mu.Lock()
	delete(k.used, ref)
	k.mu.Unlock()
	if err := k.cfg.Documents.Delete(ref); err != nil {
		k.cfg.Log.Warn().Err(err).Str("image", ref).Msg("forget image use")
	}
}
