package main

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

const (
	// probePause is short: the moments after RQD's start are what matters.
	probePause = 15 * time.Millisecond
	// reportAge is how old a host report may be when it arrives.
	reportAge = 5 * time.Second
)

// endless is for runs that cannot be over: nothing has happened to them and they never end by themselves.
func endless(r *run) bool { return r.work.endless() }

// probe asks RQD about frames that run. Cuebot takes NOT_FOUND for the proof of their death.
func (c *chaos) probe(ctx context.Context) {
	answered := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		c.pause(ctx, probePause)
		r := &run{id: "nobody"}
		if list := c.books.victims(endless); len(list) > 0 {
			r = list[n%len(list)]
		}
		call, cancel := context.WithTimeout(ctx, callLimit)
		_, err := c.client.GetRunningFrameStatus(call, &rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: r.frameID})
		cancel()
		answered = c.checkLease(answered, err)
		switch status.Code(err) {
		case codes.NotFound:
			if slices.Contains(c.books.victims(endless), r) {
				c.books.wrong("%s: RQD said NOT_FOUND of a frame that runs", r.id)
			}
		case codes.OK:
			c.probes.Add(1)
		}
	}
}

// checkLease strikes everything when RQD, for what troubles ever, was away for a lease. It
// returns when RQD last answered.
func (c *chaos) checkLease(answered time.Time, err error) time.Time {
	const margin = 5 * time.Second // frameinit counts from its own connection's end to its next.
	switch status.Code(err) {
	case codes.OK, codes.NotFound:
		return time.Now()
	}
	if time.Since(answered) > leaseSeconds*time.Second-margin {
		for _, r := range c.books.unfinished() {
			c.books.strike(r.frameID, "no RQD for a lease")
		}
	}
	return answered
}

// checkListed looks for frames that run and that a host report does not name.
func (c *cuebot) checkListed(report *reportpb.HostReport) {
	old := time.Now().Add(-reportAge)
	for _, r := range c.books.victims(func(r *run) bool { return endless(r) && r.acceptedAt.Before(old) }) {
		if !slices.ContainsFunc(report.GetFrames(), func(f *reportpb.RunningFrameInfo) bool {
			return f.GetFrameId() == r.frameID && f.GetResourceId() == r.resource && f.GetStartTime() == r.start
		}) {
			c.books.wrong("%s: a host report does not name it while it runs", r.id)
		}
	}
}
