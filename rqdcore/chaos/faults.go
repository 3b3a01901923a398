package main

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/minicue/server"
)

// launchWait is how long a fault that waits for a launch does so.
const launchWait = 4 * time.Second

// afterOK is from which repeat on a fault at a launch waits for RQD's OK.
const afterOK = 3

// inject carries out the schedule.
func (c *chaos) inject(ctx context.Context, faults []fault, say func(int)) {
	for i, f := range faults {
		c.pause(ctx, f.gap)
		if ctx.Err() != nil {
			return
		}
		tally := c.missed
		if c.do(ctx, f) {
			tally = c.done
		}
		c.mu.Lock()
		tally[f.kind]++
		c.mu.Unlock()
		say(i + 1)
	}
}

// do is false when there was nothing to break.
func (c *chaos) do(ctx context.Context, f fault) bool {
	switch f.kind {
	case rqdKilled, rqdStopped, rqdKilledOften, rqdKilledLaunch, killedTogether, rqdFrozen, rqdAway:
		return c.hitRQD(ctx, f)
	case cuebotDown, replyCut, replyError, replyHang:
		return c.hitCuebot(ctx, f)
	case launchCut, launchAgain, launchElsewhere, frameKilled:
		return c.hitCalls(ctx, f)
	case dockerRemove, dockerKill, dockerStop, dockerPrune:
		return c.hitContainers(ctx, f)
	}
	return c.hitGround(f)
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
	list := c.containers(ctx, "")
	if f.kind == dockerPrune {
		return c.prune(ctx, list)
	}
	list = slices.DeleteFunc(list, func(x engine.Container) bool { return x.State != engine.StateRunning })
	victim, ok := choose(list, f.pick, func(x engine.Container) string { return x.Name })
	if !ok {
		return false
	}
	c.books.strike(victim.Labels[frameLabel], string(f.kind))
	var err error
	switch f.kind {
	case dockerRemove:
		err = c.docker.Remove(ctx, victim.ID, engine.RemoveOptions{Force: true})
	case dockerKill:
		err = c.docker.Signal(ctx, victim.ID, "SIGKILL")
	case dockerStop:
		c.later.Go(func() { _ = c.docker.Stop(ctx, victim.ID, 10*time.Second) }) // It may be gone already.
	}
	return err == nil
}

// prune removes what does not run.
func (c *chaos) prune(ctx context.Context, list []engine.Container) bool {
	pruned := false
	for _, x := range list {
		if x.State == engine.StateRunning {
			continue
		}
		c.books.strike(x.Labels[frameLabel], string(dockerPrune))
		pruned = c.docker.Remove(ctx, x.ID, engine.RemoveOptions{}) == nil || pruned
	}
	return pruned
}

// hitGround takes what RQD stands on: the engine and the disk.
func (c *chaos) hitGround(f fault) bool {
	var err error
	switch f.kind {
	case engineCut:
		c.books.strikeUnstarted(string(f.kind), c.started)
		c.proxy.cut()
	case engineAway:
		c.rqd.excuse(f.length + 5*time.Second)
		c.proxy.leaveAlone()
		c.books.strikeUnstarted(string(f.kind), c.started)
		c.lasting(f.length, func() error {
			c.books.strikeUnstarted(string(f.kind), c.started)
			c.proxy.comeBack()
			return nil
		})
	case diskFull:
		c.rqd.excuse(f.length + 5*time.Second)
		err = c.volume.fill()
		c.lasting(f.length, c.volume.free)
	case diskGarbage:
		err = c.volume.plant()
		if err != nil && strings.Contains(err.Error(), "no space") {
			return false
		}
	}
	if err != nil {
		c.books.wrong("%s: %v", f.kind, err)
	}
	return err == nil
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
