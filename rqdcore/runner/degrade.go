package runner

import (
	"rqdswarm/internal/engine"
)

// degraded is what this host has refused frames so far; later frames are not asked to try again.
type degraded struct {
	propagation bool // No bind follows the host's mounts: its / is a private mount.
}

// spec is the planned container less what the host refuses.
func (x *run) spec() engine.Spec {
	x.mu.Lock()
	x.tried = x.degraded
	x.mu.Unlock()
	s := x.plan.Spec
	if x.tried.propagation {
		s = engine.WithPrivatePropagation(s, "")
	}
	return s
}

// degrade learns from a refusal and says whether another try makes sense: only when this frame
// asked for what was refused. Several frames may learn the same at once.
func (x *run) degrade(err error) bool {
	if !engine.IsPropagationRefused(err) || x.tried.propagation {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.degraded.propagation {
		x.degraded.propagation = true
		x.log.Warn().Err(err).Msg("host refuses bind propagation: frames get rprivate binds and do not see what is mounted later, such as autofs")
	}
	return true
}
