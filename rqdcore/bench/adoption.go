package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// adoption replaces an RQD whose frames go on: SIGTERM, its end, the next one on the same port with the same frames.
func (w *world) adoption(ctx context.Context) ([]Figure, error) {
	f := Figure{Name: fmt.Sprintf("SIGTERM until the next RQD answers with %d frames", w.opts.adopted), Unit: "s", Target: "at most 1 s"}
	down := Figure{Name: "SIGTERM until the old RQD has ended", Unit: "s"}
	fleets := map[*rqd][]launched{}
	var err error
	for _, r := range w.rqds() {
		err = errors.Join(err, w.tolerate("frames to adopt", r.name, w.grow(ctx, r, fleets, w.opts.adopted)))
	}
	if err == nil {
		err = pause(ctx, w.opts.settle)
	}
	for range w.opts.longRounds {
		for _, r := range w.rqds() {
			if err == nil {
				err = w.tolerate("adoption", r.name, replace(ctx, r, &f, &down))
			}
		}
	}
	for r, fleet := range fleets {
		err = errors.Join(err, w.tolerate("kill", r.name, disband(ctx, r, fleet)))
	}
	_, gone := w.gone(ctx)
	return []Figure{f, down}, errors.Join(err, gone)
}

func replace(ctx context.Context, r *rqd, whole, down *Figure) error {
	frames, err := r.report(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := r.stop(); err != nil {
		return err
	}
	ended := time.Now()
	if err := r.start(ctx); err != nil {
		return err
	}
	back, err := r.answers(ctx, len(frames.GetFrames()))
	if err != nil {
		return err
	}
	whole.add(r.name, back.Sub(begin).Seconds())
	down.add(r.name, ended.Sub(begin).Seconds())
	return nil
}
