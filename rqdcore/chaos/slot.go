package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

const (
	callLimit = 10 * time.Second // Cuebot's for every call to RQD.
	callPause = 200 * time.Millisecond
	// frameCores is what every frame takes.
	frameCores = 100
)

// runVariable is in the frame's environment, and so in its rqlog's header.
const runVariable = "CHAOS_RUN"

// slot is one of Cuebot's procs: it gives the host one frame after the other.
type slot struct {
	*chaos
	number int
	works  works
	frames int
	procs  int
}

// live dispatches until the end is wanted, and then waits for the frame that runs.
func (s *slot) live(ctx context.Context) {
	for !s.ending() && ctx.Err() == nil {
		s.frames++
		w := s.works.next()
		again := true
		for n := 0; n <= w.again && again && !s.ending() && ctx.Err() == nil; n++ {
			again = s.perform(ctx, s.newRun(w, n))
		}
	}
}

// newRun is the next launch of a frame. A proc is kept while its frame goes on, and often for the next one.
func (s *slot) newRun(w work, n int) *run {
	if n == 0 && s.frames%3 == 1 {
		s.procs++
	}
	frame := fmt.Sprintf("s%df%d", s.number, s.frames)
	return &run{
		id: fmt.Sprintf("%sr%d", frame, n), frameID: "chaos-" + frame, name: fmt.Sprintf("%04d-%s", s.frames, frame), work: w,
		resource: fmt.Sprintf("proc-%d-%d", s.number, s.procs), start: s.nextStart(),
	}
}

// perform sees one launch through to its outcome. It is false when the frame is not to be sent again.
func (s *slot) perform(ctx context.Context, r *run) bool {
	s.books.open(r)
	err := s.launch(ctx, r)
	switch code := status.Code(err); code {
	case codes.OK:
		s.books.accept(r)
		s.accepted(r)
		s.await(ctx, r)
		return true
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		s.books.setStage(r, unclear)
		s.clearUp(ctx, r)
		s.pause(ctx, callPause) // Cuebot does not hurry back to a host that failed it.
	case codes.AlreadyExists: // An earlier run is still being wound up; Cuebot kills it and tries again.
		s.books.setStage(r, refused)
		s.refusals.Add(1)
		s.clearUp(ctx, r)
	default:
		s.books.setStage(r, refused)
		s.books.wrong("%s: launch was refused: %v", r.id, err)
		s.pause(ctx, time.Second)
	}
	return false
}

// launch sends the order, and kills RQD or hangs up on it meanwhile when that is what the schedule wants.
func (s *slot) launch(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if f := s.atLaunch.Swap(nil); f != nil {
		after := time.Duration(f.pick * float64(12*time.Millisecond))
		if f.kind == launchCut {
			time.AfterFunc(after, cancel)
		} else {
			time.AfterFunc(after, func() { f.strike(r) })
		}
	}
	_, err := s.client.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: s.order(r)})
	return err
}

// accepted carries out what waits for the very moment after RQD's OK.
func (s *slot) accepted(r *run) {
	if f := s.afterLaunch.Swap(nil); f != nil {
		time.Sleep(time.Duration(f.pick * float64(3*time.Millisecond)))
		f.strike(r)
	}
}

func (s *slot) order(r *run) *rqdpb.RunFrame {
	return &rqdpb.RunFrame{
		ResourceId: r.resource, JobId: "chaos-job", JobName: "chaos", FrameId: r.frameID, FrameName: r.name, LayerId: "chaos-layer",
		Command: r.work.command(r.id), UserName: "artist", LogDir: s.logDir(), Show: "show", Shot: "sh010",
		StartTime: r.start, NumCores: frameCores, Environment: map[string]string{runVariable: r.id, "CUE_THREADABLE": "0"},
		SoftMemoryLimit: 64 << 10, HardMemoryLimit: 128 << 10, UidOptional: &rqdpb.RunFrame_Uid{Uid: 1500},
	}
}

// await waits for the outcome. What never ends by itself is killed after a while.
func (s *slot) await(ctx context.Context, r *run) {
	var patience <-chan time.Time
	ending := s.end
	if r.work.endless() {
		timer := time.NewTimer(r.work.patience)
		defer timer.Stop()
		patience = timer.C
	} else {
		ending = nil
	}
	select {
	case <-r.done:
		return
	case <-ctx.Done():
		return
	case <-patience:
	case <-ending:
	}
	for s.kill(ctx, r) == killUnclear && ctx.Err() == nil {
		s.pause(ctx, callPause)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
	}
}

// clearUp does what Cuebot does about a launch whose answer it does not know: it kills the
// frame. Only when RQD says that there is none, or it has ended, is the proc used again.
func (s *slot) clearUp(ctx context.Context, r *run) {
	for ctx.Err() == nil {
		select {
		case <-r.done:
			return
		default:
		}
		if s.kill(ctx, r) == notRunning {
			return
		}
		s.pause(ctx, callPause)
	}
}

// verdict is RQD's answer to a kill.
type verdict int

const (
	willDie verdict = iota
	notRunning
	killUnclear
)

// kill asks RQD to kill the frame, once at a time. A kill that was answered OK is never
// repeated while the frame is known to run: RQD has promised it.
func (c *chaos) kill(ctx context.Context, r *run) verdict {
	r.calls.Lock()
	defer r.calls.Unlock()
	if c.books.wasKilled(r) {
		return willDie
	}
	c.books.note(r, func(r *run) { r.killSent = true })
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	before := c.containers(ctx, r.frameID)
	_, err := c.client.KillRunningFrame(ctx, &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: r.frameID, Message: "chaos: " + r.id})
	switch status.Code(err) {
	case codes.OK:
		c.books.note(r, func(r *run) { r.killed = time.Now() })
		return willDie
	case codes.NotFound:
		c.checkDead(ctx, r, before)
		return notRunning
	}
	return killUnclear
}

// pause is a while, unless ctx ends it.
func (c *chaos) pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// nextStart is the time of a dispatch: now, but never the same twice.
func (c *chaos) nextStart() int64 {
	for {
		last := c.lastStart.Load()
		next := max(time.Now().UnixMilli(), last+1)
		if c.lastStart.CompareAndSwap(last, next) {
			return next
		}
	}
}
