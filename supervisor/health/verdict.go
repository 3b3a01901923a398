package health

import (
	"fmt"
	"time"
)

// Status is the verdict in one word.
type Status string

// The verdicts. Only Healthy makes the health check succeed.
const (
	Starting  Status = "starting"
	Healthy   Status = "healthy"
	Unhealthy Status = "unhealthy"
)

// Verdict is what the health check prints.
type Verdict struct {
	Status Status
	Reason string
}

// String is the verdict as one line.
func (v Verdict) String() string { return fmt.Sprintf("%s: %s", v.Status, v.Reason) }

// Answer is what one probe of RQD found.
type Answer int

// The answers. Unknown is a port that cannot be checked from here, for instance behind a firewall.
const (
	NotReady Answer = iota
	Ready
	Failing // The engine's own health check of RQD says that it is unhealthy.
	Unknown
)

// history is what a verdict is made of.
type history struct {
	idle      string    // Why we are not responsible for an RQD; empty while we are.
	readyOnce bool      // RQD has been ready under this supervisor.
	running   time.Time // When the RQD that we watch was started or adopted; zero while there is none.
	lastReady time.Time
	answer    Answer
}

// unknownSettles is how long an RQD whose port cannot be checked must run to count as ready.
const unknownSettles = 10 * time.Second

// take adds a probe's answer.
func (h *history) take(a Answer, now time.Time) {
	h.answer = a
	if a == Ready || (a == Unknown && now.Sub(h.running) >= unknownSettles) {
		h.readyOnce, h.lastReady = true, now
	}
}

// judge returns the verdict at now. lost is true when RQD has been away for so long that the supervisor should
// end: after the first ready for any reason, before it only when RQD's own health check has given it up. An RQD
// that has merely not opened its port yet is left to the start period of our own health check.
func (h *history) judge(now time.Time, timeout time.Duration) (v Verdict, lost bool) {
	if h.idle != "" {
		return Verdict{Healthy, h.idle}, false
	}
	since := h.running
	if h.lastReady.After(since) {
		since = h.lastReady
	}
	away := now.Sub(since).Truncate(time.Second)
	overdue := timeout > 0 && !h.running.IsZero() && away >= timeout
	switch {
	case h.readyOnce && overdue:
		return Verdict{Unhealthy, fmt.Sprintf("rqd was not ready for %s", away)}, true
	case h.answer == Failing && overdue:
		return Verdict{Unhealthy, fmt.Sprintf("rqd's own health check failed for %s", away)}, true
	case !h.readyOnce && h.running.IsZero():
		return Verdict{Starting, "rqd has not been started yet"}, false
	case !h.readyOnce:
		return Verdict{Starting, fmt.Sprintf("rqd has not been ready since its start %s ago", away)}, false
	case h.running.IsZero():
		return Verdict{Healthy, "rqd is being replaced"}, false
	case away > 0 && h.answer != Ready:
		return Verdict{Healthy, fmt.Sprintf("rqd was ready %s ago", away)}, false
	default:
		return Verdict{Healthy, "rqd is ready"}, false
	}
}
