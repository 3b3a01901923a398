package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrLost means that RQD has not been ready for RQD_READY_TIMEOUT.
var ErrLost = errors.New("health: rqd was not ready in time")

// How often RQD is looked at: often until it is ready for the first time, which is what Swarm waits for.
const (
	eager   = 500 * time.Millisecond
	regular = 3 * time.Second
	// probeTime bounds one probe.
	probeTime = 2 * time.Second
	// silence is for how long the owning loop may say nothing before it counts as hung.
	silence = 2 * time.Minute
)

// Probe asks the RQD in the container with that id whether it is ready.
type Probe func(ctx context.Context, id string) Answer

// Monitor probes RQD and keeps the verdict. Its methods may be called from any goroutine.
type Monitor struct {
	probe   Probe
	timeout time.Duration

	mu   sync.Mutex
	h    history
	id   string
	beat time.Time
	wake chan struct{}
	lost chan error
}

// NewMonitor returns a monitor; timeout is RQD_READY_TIMEOUT, 0 for never.
func NewMonitor(probe Probe, timeout time.Duration) *Monitor {
	return &Monitor{probe: probe, timeout: timeout, beat: time.Now(), wake: make(chan struct{}, 1), lost: make(chan error, 1)}
}

// Watch makes the monitor responsible for the RQD in container id, which runs.
func (m *Monitor) Watch(id string) {
	m.mu.Lock()
	m.h.idle = ""
	if m.id != id {
		m.id, m.h.running, m.h.answer = id, time.Now(), NotReady
	}
	m.mu.Unlock()
	m.nudge()
}

// Unwatch says that there is no RQD for the moment, because it is being replaced.
func (m *Monitor) Unwatch() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.h.idle, m.id, m.h.running = "", "", time.Time{}
}

// Idle says that we are healthy without an RQD of our own, and why.
func (m *Monitor) Idle(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.h.idle, m.id, m.h.running = why, "", time.Time{}
}

// Beat says that the loop which owns RQD is alive.
func (m *Monitor) Beat() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.beat = time.Now()
}

// Lost delivers one error, wrapping ErrLost, when RQD has been away for too long.
func (m *Monitor) Lost() <-chan error { return m.lost }

// Verdict is the verdict now.
func (m *Monitor) Verdict() Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if quiet := now.Sub(m.beat); quiet > silence {
		return Verdict{Unhealthy, fmt.Sprintf("the supervisor's loop has been stuck for %s", quiet.Truncate(time.Second))}
	}
	v, _ := m.h.judge(now, m.timeout)
	return v
}

// Run probes until ctx ends.
func (m *Monitor) Run(ctx context.Context) error {
	for {
		timer := time.NewTimer(m.round(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-m.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// round probes once and returns the time until the next probe.
func (m *Monitor) round(ctx context.Context) time.Duration {
	m.mu.Lock()
	id := m.id
	m.mu.Unlock()
	if id == "" {
		return regular
	}
	pctx, cancel := context.WithTimeout(ctx, probeTime)
	answer := m.probe(pctx, id)
	cancel()

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.id != id || ctx.Err() != nil {
		return eager // Another RQD by now: the answer is about the past.
	}
	now := time.Now()
	m.h.take(answer, now)
	if v, lost := m.h.judge(now, m.timeout); lost {
		select {
		case m.lost <- fmt.Errorf("%w: %s; RQD_READY_TIMEOUT is %s", ErrLost, v.Reason, m.timeout):
		default:
		}
	}
	if m.h.answer == Ready {
		return regular
	}
	return eager
}

func (m *Monitor) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
