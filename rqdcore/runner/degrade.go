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
	defer x.mu.Unlock()
	s := x.plan.Spec
	if x.degraded.propagation {
		s = engine.WithPrivatePropagation(s, "")
	}
	return s
}

// degrade learns from a refusal and says whether another try makes sense.
func (r *Runner) degrade(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !engine.IsPropagationRefused(err) || r.degraded.propagation {
		return false
	}
	r.degraded.propagation = true
	r.cfg.Log.Warn().Err(err).Msg("host refuses bind propagation: frames get rprivate binds and do not see what is mounted later, such as autofs")
	return true
}
