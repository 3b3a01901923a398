package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// timeLeft is what a frame must have before it that Cuebot's calls come for.
const timeLeft = 3 * time.Second

// hitCalls has Cuebot call RQD in ways that it seldom does.
func (c *chaos) hitCalls(ctx context.Context, f fault) bool {
	if f.kind == launchCut {
		s := &strike{fault: f}
		c.atLaunch.Store(s)
		c.pause(ctx, launchWait/4)
		return !c.atLaunch.CompareAndSwap(s, nil)
	}
	r, ok := choose(c.books.victims(goesOn), f.pick, func(r *run) string { return r.id })
	if !ok {
		return false
	}
	switch f.kind {
	case frameKilled:
		c.kill(ctx, r)
	case launchAgain:
		c.launchAgain(ctx, r)
	case launchElsewhere:
		c.launchElsewhere(ctx, r)
	}
	return true
}

// goesOn says whether the run has some time before it. The books' lock is held.
func goesOn(r *run) bool {
	whole := time.Duration(r.work.lines) * r.work.pause
	return r.work.endless() || time.Since(r.acceptedAt)+timeLeft < whole
}

// launchAgain sends the same order twice: the answer must be the same, and the frame must run once.
func (c *chaos) launchAgain(ctx context.Context, r *run) {
	r.calls.Lock() // No kill meanwhile: it would make the order a new one.
	defer r.calls.Unlock()
	if c.over(r) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	s := &slot{chaos: c}
	_, err := c.client.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: s.order(r)})
	switch status.Code(err) {
	case codes.OK, codes.Unavailable, codes.DeadlineExceeded:
	default:
		c.books.wrong("%s: launch sent again was answered %v", r.id, err)
	}
}

// launchElsewhere sends the frame for another resource, as a Cuebot does that believes it dead.
// While it runs RQD has to refuse.
func (c *chaos) launchElsewhere(ctx context.Context, r *run) {
	r.calls.Lock()
	defer r.calls.Unlock()
	if c.over(r) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	other := &run{id: r.id + "x", frameID: r.frameID, name: r.name, work: r.work, resource: "elsewhere-" + r.id, start: c.nextStart()}
	s := &slot{chaos: c}
	_, err := c.client.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: s.order(other)})
	switch status.Code(err) {
	case codes.AlreadyExists:
		c.refusals.Add(1)
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
	default:
		c.books.wrong("%s: launch for another resource was answered %v while it ran", r.id, fmt.Sprint(err))
	}
}

// over says whether somebody got at the run meanwhile.
func (c *chaos) over(r *run) bool {
	c.books.mu.Lock()
	defer c.books.mu.Unlock()
	return r.first != nil || r.struck != "" || r.killSent
}
