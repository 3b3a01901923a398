package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// stream is a number of frames with so many under way at a time.
type stream struct {
	frames, atOnce int
}

// run returns the frames per second of the contestant, until its last completion and until the last removal.
func (s stream) run(ctx context.Context, w *world, c contestant) (done, removed float64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan struct{}, s.frames)
	for range s.frames {
		work <- struct{}{}
	}
	close(work)
	begin := time.Now()
	var group sync.WaitGroup
	for range s.atOnce {
		group.Go(func() {
			for range work {
				if ctx.Err() != nil {
					return
				}
				if _, _, err := c.run(ctx, "true"); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	end := time.Now()
	if ctx.Err() != nil {
		return 0, 0, context.Cause(ctx)
	}
	gone, err := w.gone(ctx)
	if c.name != rqdName {
		gone = end
	}
	rate := func(t time.Time) float64 { return float64(s.frames) / t.Sub(begin).Seconds() }
	return rate(end), rate(gone), err
}

// throughput looks for each contestant's best concurrency with a short stream, and measures with a long one.
func (w *world) throughput(ctx context.Context) ([]Figure, error) {
	search := Figure{Name: "frames per second, search for the best concurrency", Unit: "1/s"}
	name := fmt.Sprintf("frames per second, %d × `true`, at the best concurrency", w.opts.frames)
	order := Figure{Name: name, Unit: "1/s", Target: "at least 1.0 of the engine alone"}
	whole := Figure{Name: "frames per second, until the last container is removed, too", Unit: "1/s"}
	best, fastest := map[string]int{}, map[string]float64{}
	for _, n := range w.opts.atOnce {
		for _, c := range w.contestants() {
			rate, _, err := stream{w.opts.frames / 5, n}.run(ctx, w, c)
			if err := w.tolerate(fmt.Sprintf("%d at once", n), c.name, err); err != nil {
				return nil, fmt.Errorf("%s, %d at once: %w", c.name, n, err)
			}
			progress("%s: %.1f frames/s with %d at once", c.name, rate, n)
			search.add(fmt.Sprintf("%s, %d at once", c.name, n), rate)
			if rate > fastest[c.name] {
				best[c.name], fastest[c.name] = n, rate
			}
		}
	}
	err := w.turns(ctx, w.opts.streams, func(c contestant) error {
		done, removed, err := stream{w.opts.frames, max(best[c.name], 1)}.run(ctx, w, c)
		if err != nil {
			return err
		}
		order.add(c.name, done)
		whole.add(c.name, removed)
		return nil
	})
	order.order()
	whole.order()
	return []Figure{order, whole, search}, err
}
