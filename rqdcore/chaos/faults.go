package main

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/server"
)

// launchWait is how long a fault that waits for a launch does so.
const launchWait = 4 * time.Second

// A fault that finds no victim tries again for a while.
const (
	victimWait  = 8 * time.Second
	victimPause = 200 * time.Millisecond
)

// afterOK is from which repeat on a fault at a launch waits for RQD's OK.
const afterOK = 3

// inject carries out faults one after the other.
func (c *chaos) inject(ctx context.Context, faults []fault, say func()) {
	for _, f := range faults {
		c.pause(ctx, f.gap)
		if ctx.Err() != nil {
			return
		}
		tally := c.missed
		if c.insist(ctx, f) {
			tally = c.done
		}
		c.mu.Lock()
		tally[f.kind]++
		c.mu.Unlock()
		say()
	}
}

// injectGround does so with the faults around RQD, and gives it to a supervisor when the plan says so. Most of them
// want an RQD that is there, so that frames get to run.
func (c *chaos) injectGround(ctx context.Context, faults []fault, say func()) {
	const hasty = 0.25
	for _, f := range faults {
		if f.kept && c.rqd != c.kept {
			c.moveIn()
		}
		if f.pick >= hasty {
			c.awaitRQD(ctx)
		}
		c.inject(ctx, []fault{f}, say)
	}
}

// awaitRQD waits until RQD answers, for a while.
func (c *chaos) awaitRQD(ctx context.Context) {
	const limit = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := c.client.ReportStatus(ctx, &rqdpb.RqdStaticReportStatusRequest{}); err == nil {
			return
		}
		c.pause(ctx, victimPause)
	}
}

// insist tries a fault until there is something to break, for a while.
func (c *chaos) insist(ctx context.Context, f fault) bool {
	for limit := time.Now().Add(victimWait); ; c.pause(ctx, victimPause) {
		if c.do(ctx, f) {
			return true
		}
		if time.Now().After(limit) || ctx.Err() != nil {
			return false
		}
	}
}

// moveIn gives RQD to a supervisor: the next rqdcore finds all that the process has left.
func (c *chaos) moveIn() {
	c.bare.stop(syscall.SIGTERM)
	c.rqd = c.kept
	c.restart()
}

// do is false when there was nothing to break.
func (c *chaos) do(ctx context.Context, f fault) bool {
	switch f.kind {
	case cuebotDown, replyCut, replyError, replyHang:
		return c.hitCuebot(ctx, f)
	case launchCut, launchAgain, launchElsewhere, frameKilled:
		return c.hitCalls(ctx, f)
	case dockerRemove, dockerKill, dockerStop:
		return c.hitContainers(ctx, f)
	case dockerPrune, dockerCleanUp:
		return c.prune(ctx, f.kind)
	case engineCut, engineAway, engineFrozen, engineRestarted, engineKilled:
		return c.hitEngine(ctx, f)
	case diskFull, diskReadOnly, diskGarbage, logStalled:
		return c.hitDisk(ctx, f)
	case rqdKilledKept, supervisorKilled:
		return c.kept.hit(ctx, f.kind)
	case handedOver:
		return c.kept.handOver(ctx, f)
	}
	return c.hitRQD(ctx, f)
}

// hitRQD takes RQD away and brings it back.
func (c *chaos) hitRQD(ctx context.Context, f fault) bool {
	switch f.kind {
	case rqdFrozen:
		c.rqd.freeze(f.length)
		return true
	case rqdStopped:
		c.rqd.stop(syscall.SIGTERM)
	case rqdKilledLaunch:
		c.killAtLaunch(ctx, f, func(*run) {})
	case killedTogether: // The next RQD has to finish what this one promised.
		f.repeat = afterOK
		c.killAtLaunch(ctx, f, func(r *run) { c.kill(ctx, r) })
	case rqdAway:
		c.rqd.stop(syscall.SIGKILL)
		for _, r := range c.books.unfinished() {
			c.books.strike(r.frameID, "the lease was over")
		}
		f.length = (leaseSeconds + 4) * time.Second
	default:
		c.rqd.stop(syscall.SIGKILL)
	}
	c.pause(ctx, f.length)
	c.restart()
	if f.kind != rqdKilledOften {
		return true
	}
	for range f.repeat {
		c.pause(ctx, time.Duration(f.pick*float64(250*time.Millisecond)))
		c.rqd.stop(syscall.SIGKILL)
		c.restart()
	}
	return true
}

func (c *chaos) restart() {
	if err := c.rqd.start(); err != nil {
		c.books.wrong("%v", err)
	}
}

// killAtLaunch kills RQD within milliseconds of a launch: while it is being answered, or right
// after the OK, when first is done. Without a launch in time it is any other kill.
func (c *chaos) killAtLaunch(ctx context.Context, f fault, first func(*run)) {
	struck := make(chan struct{})
	s := &strike{fault: f, strike: func(r *run) {
		if r != nil {
			first(r)
		}
		c.rqd.stop(syscall.SIGKILL)
		close(struck)
	}}
	where := &c.atLaunch
	if f.repeat >= afterOK {
		where = &c.afterLaunch
	}
	where.Store(s)
	select {
	case <-struck:
		return
	case <-time.After(launchWait):
	case <-ctx.Done():
	}
	if where.CompareAndSwap(s, nil) {
		s.strike(nil)
	}
	<-struck
}

// hitCuebot spoils what RQD reports.
func (c *chaos) hitCuebot(ctx context.Context, f fault) bool {
	switch f.kind {
	case cuebotDown:
		c.cue.down()
		c.lasting(f.length, func() error { return c.cue.up(ctx) })
	case replyCut:
		r := reply{applied: true, answer: server.Cut()}
		for range f.repeat - 1 { // What comes again then comes when the frame's next run is well under way.
			r.then = append(r.then, badly(f.pick))
		}
		c.cue.arm(r)
	case replyHang:
		c.cue.arm(reply{applied: f.repeat%2 == 0, answer: server.Hang()})
	default:
		for range f.repeat {
			c.cue.arm(badly(f.pick))
		}
	}
	return true
}

// lasting ends a trouble after a while, beside the faults that follow.
func (c *chaos) lasting(d time.Duration, over func() error) {
	c.later.Go(func() {
		time.Sleep(d)
		if err := over(); err != nil {
			c.books.wrong("%v", err)
		}
	})
}

// hitContainers does to frames' containers what people and night jobs do.
func (c *chaos) hitContainers(ctx context.Context, f fault) bool {
	list := slices.DeleteFunc(c.containers(ctx, ""), func(x engine.Container) bool { return x.State != engine.StateRunning })
	victim, ok := choose(list, f.pick, func(x engine.Container) string { return x.Name })
	if !ok {
		return false
	}
	c.books.strike(victim.Labels[frameLabel], string(f.kind))
	var err error
	switch f.kind {
	case dockerRemove:
		err = c.ground.client.Remove(ctx, victim.ID, engine.RemoveOptions{Force: true})
	case dockerKill:
		err = c.ground.client.Signal(ctx, victim.ID, "SIGKILL")
	case dockerStop:
		c.later.Go(func() { _ = c.ground.client.Stop(ctx, victim.ID, 10*time.Second) }) // It may be gone already.
	}
	c.books.sweep()
	return err == nil
}

// prune removes everything that does not run, as night jobs do: also a container that is about to start.
func (c *chaos) prune(ctx context.Context, kind faultKind) bool {
	runs := c.books.unfinished()
	c.books.strikeUnstarted(string(kind), c.started)
	args := []string{"container", "prune", "--force"}
	if kind == dockerCleanUp {
		args[0] = "system"
	}
	out, err := c.ground.docker(ctx, args...)
	c.books.sweep()
	running := make(map[string]bool)
	for _, x := range c.containers(ctx, "") {
		running[x.Labels[frameLabel]] = x.State == engine.StateRunning
	}
	for _, r := range runs {
		if !running[r.frameID] {
			c.books.note(r, func(r *run) { r.struck, r.unstarted = string(kind), false })
		}
	}
	return err == nil && strings.Contains(out, "Deleted Containers")
}

// choose picks one of the list, the same for the same list.
func choose[T any](list []T, pick float64, name func(T) string) (T, bool) {
	var none T
	if len(list) == 0 {
		return none, false
	}
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return list[int(pick*float64(len(list)))], true
}
