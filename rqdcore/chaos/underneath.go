package main

import (
	"context"
	"strings"
	"time"
)

// afterwards is how long RQD may still fail by itself when what it lacked is back.
const afterwards = 5 * time.Second

// hitEngine takes the engine away: from RQD alone, or from everybody with all that runs.
func (c *chaos) hitEngine(ctx context.Context, f fault) bool {
	unstarted := func() { c.books.strikeUnstarted(string(f.kind), c.started) }
	unstarted()
	switch f.kind {
	case engineCut:
		c.proxy.cut()
	case engineAway:
		c.rqd.excuse(f.length + afterwards)
		c.proxy.leaveAlone()
		c.lasting(f.length, func() error {
			unstarted()
			c.proxy.comeBack()
			return nil
		})
	case engineFrozen:
		c.rqd.excuse(f.length + afterwards)
		if err := c.ground.Pause(); err != nil {
			c.books.wrong("%v", err)
		}
		c.pause(ctx, f.length)
		if err := c.ground.Resume(); err != nil {
			c.books.wrong("%v", err)
		}
		unstarted()
	default:
		return c.restartEngine(ctx, f)
	}
	return true
}

// restartEngine ends the engine and starts it again. Every container dies: who reports one as a failure of the render
// has cost a studio a retry.
func (c *chaos) restartEngine(ctx context.Context, f fault) bool {
	strike := func() {
		for _, r := range c.books.unfinished() {
			c.books.strike(r.frameID, string(f.kind))
		}
	}
	strike()
	end := c.ground.Kill
	if f.kind == engineRestarted {
		end = c.ground.Stop
	}
	err := end()
	if err == nil {
		c.pause(ctx, f.length)
		strike() // What was launched meanwhile.
		err = c.ground.Start(context.WithoutCancel(ctx))
	}
	strike()
	c.books.sweep()
	c.rqd.excuse(afterwards)
	if err != nil {
		c.books.wrong("%s: %v", f.kind, err)
	}
	return err == nil
}

// hitDisk spoils the state volume or the log directory.
func (c *chaos) hitDisk(ctx context.Context, f fault) bool {
	var err error
	switch f.kind {
	case diskFull:
		err = c.volume.fill()
		c.lasting(f.length, c.volume.free)
	case diskReadOnly:
		if err = c.volume.protect(); err == nil {
			c.lasting(f.length, c.volume.unprotect)
		}
	case logStalled:
		if c.logs == nil {
			return false
		}
		if err = c.logs.freeze(); err == nil {
			c.pause(ctx, f.length)
			err = c.logs.thaw()
		}
	default:
		err = c.volume.plant()
		if err != nil && (strings.Contains(err.Error(), "no space") || strings.Contains(err.Error(), "read-only")) {
			return false
		}
	}
	if err != nil {
		c.books.wrong("%s: %v", f.kind, err)
	}
	return err == nil
}
