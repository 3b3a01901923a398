package runner

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/journal"
)

// remover knows local images, one of which a container needs.
type remover struct {
	mu    sync.Mutex
	local []string
}

func (r *remover) left() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.local)
}

func (r *remover) RemoveImage(_ context.Context, ref string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case ref == "needed:1":
		return engine.ErrConflict
	case !slices.Contains(r.local, ref):
		return engine.ErrNotFound
	}
	r.local = slices.DeleteFunc(r.local, func(l string) bool { return l == ref })
	return nil
}

func TestKeeper(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "images")
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		docs, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		store := &remover{local: []string{"rocky9:1", "rocky9:2", "needed:1", "foreign:1"}}
		// rocky9:1 was configured once; a restart later rocky9:2 is.
		for _, configured := range []string{"rocky9:1", "rocky9:2"} {
			k, err := NewKeeper(KeepConfig{Store: store, Documents: docs, Configured: []string{configured}, Keep: 7 * day, Log: zerolog.Nop()})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { _ = k.Run(ctx); close(done) }()
			k.Used("needed:1")
			time.Sleep(6 * day)
			if !slices.Contains(store.left(), "rocky9:1") {
				t.Errorf("configured %s, after 6 days: have %v, want all", configured, store.left())
			}
			if configured == "rocky9:2" {
				time.Sleep(2 * day)
			}
			cancel()
			<-done
		}
		if want := []string{"rocky9:2", "needed:1", "foreign:1"}; !slices.Equal(store.left(), want) {
			t.Errorf("have %v, want %v", store.left(), want)
		}
	})
}
