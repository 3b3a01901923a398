package runner

import (
	"fmt"
	"syscall"

	"rqdswarm/rqdcore/frame"
)

// Space is where the engine keeps containers, and how much has to be free there.
type Space struct {
	Dir   string // On the same file system as the engine's data root, as RQD sees it.
	Floor int64  // Bytes; 0 asks nobody.
}

// Ready says why no frame can be started now, as frame.ErrUnavailable; nil when one can. It
// knows and does not ask the engine, so that a launch is answered at once.
func (r *Runner) Ready() error {
	r.mu.Lock()
	down := r.engine
	r.mu.Unlock()
	if down != nil {
		return fmt.Errorf("%w: the container engine does not answer: %w", frame.ErrUnavailable, down)
	}
	if r.cfg.Space == nil {
		return nil
	}
	return r.cfg.Space().check()
}

func (s Space) check() error {
	if s.Floor == 0 {
		return nil
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.Dir, &fs); err != nil {
		return nil // What cannot be measured refuses nobody.
	}
	free := int64(fs.Bavail) * fs.Bsize // #nosec G115 -- no file system has 2^63 bytes.
	if free >= s.Floor {
		return nil
	}
	return fmt.Errorf("%w: %d MiB free where the engine keeps its containers (file system of %s), DOCKER_MIN_FREE_SPACE is %d MiB",
		frame.ErrUnavailable, free>>20, s.Dir, s.Floor>>20)
}

// setEngine notes whether the engine answers, and says so when that changes.
func (r *Runner) setEngine(err error) {
	r.mu.Lock()
	before := r.engine
	r.engine = err
	r.mu.Unlock()
	switch {
	case err != nil && before == nil:
		r.cfg.Log.Error().Err(err).Msg("engine lost, frames are refused until it is back")
	case err == nil && before != nil:
		r.cfg.Log.Info().Msg("engine is back")
	}
}
