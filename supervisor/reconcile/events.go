package reconcile

import (
	"context"
	"strings"
	"sync"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/runline"
	"rqdswarm/supervisor/swarm"
)

// resubscribe is the delay before a subscription that ended is made again.
const resubscribe = time.Second

// watchEvents wakes the loop when something happens to our containers or to a supervisor's, until ctx ends.
func (l *Loop) watchEvents(ctx context.Context) *sync.WaitGroup {
	var running sync.WaitGroup
	for _, labels := range []map[string]string{
		{runline.LabelRQD: l.o.Name},
		{swarm.RoleLabel: swarm.RoleSupervisor},
	} {
		running.Go(func() {
			for ctx.Err() == nil {
				l.subscribe(ctx, labels)
				select {
				case <-ctx.Done():
				case <-time.After(resubscribe):
				}
			}
		})
	}
	return &running
}

// subscribe follows one subscription to its end. Whatever was missed before it is found by the look that follows.
func (l *Loop) subscribe(ctx context.Context, labels map[string]string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, ended := l.o.Engine.Events(ctx, labels)
	l.nudge()
	for e := range events {
		if matters(e) {
			l.nudge()
		}
	}
	if err := <-ended; ctx.Err() == nil {
		l.o.Log.Debug().Err(err).Msg("engine's events broke off")
	}
	l.nudge()
}

// matters says that an event can change a decision. Health checks are execs, and there are many.
func matters(e engine.Event) bool {
	return !strings.HasPrefix(e.Action, "exec_") && e.Action != "top"
}

func (l *Loop) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
