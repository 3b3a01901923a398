// Package self finds out where RQD runs, and how a frame's container reaches RQD's run directory.
package self

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"rqdswarm/internal/containerid"
	"rqdswarm/internal/engine"
)

// Inspector is the one thing that is asked of the engine.
type Inspector interface {
	Inspect(ctx context.Context, idOrName string) (engine.Container, error)
}

// Place is where RQD runs.
type Place struct {
	Container engine.Container // The zero value when RQD runs bare on the host.
}

// Find looks below proc, which is /proc but in tests, and asks the engine.
func Find(ctx context.Context, proc string, engine Inspector) (Place, error) {
	id := containerid.Of(proc, "self")
	if id == "" {
		return Place{}, nil
	}
	c, err := engine.Inspect(ctx, id)
	if err != nil {
		return Place{}, fmt.Errorf("inspect RQD's own container %s: %w", id[:12], err)
	}
	return Place{Container: c}, nil
}

// Bare says that RQD runs in no container.
func (p Place) Bare() bool { return p.Container.ID == "" }

// Share returns the mount that shows dir, a directory as RQD sees it, to another container on
// the same engine. The caller sets the target.
//
// In a container dir must be where a mount of it begins: a path inside of RQD's own layer, or
// below a mount, can not be given to another container.
func (p Place) Share(dir string) (engine.Mount, error) {
	if p.Bare() {
		return engine.Mount{Type: engine.MountBind, Source: dir}, nil
	}
	for _, m := range p.Container.Mounts {
		if filepath.Clean(m.Target) == filepath.Clean(dir) {
			return engine.Mount{Type: m.Type, Source: m.Source}, nil
		}
	}
	return engine.Mount{}, fmt.Errorf("%s is no mount of RQD's container %s: give it a volume there, for example -v rqd-run:%s",
		dir, p.Container.Name, dir)
}

// Persistent says whether what is written to dir outlives RQD's container.
func (p Place) Persistent(dir string) bool {
	if p.Bare() {
		return true
	}
	for _, m := range p.Container.Mounts {
		target := filepath.Clean(m.Target)
		if dir == target || strings.HasPrefix(dir, strings.TrimSuffix(target, "/")+"/") {
			return true
		}
	}
	return false
}
