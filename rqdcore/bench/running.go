package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// running looks at RQDs whose frames just run, at several numbers of them.
func (w *world) running(ctx context.Context) ([]Figure, error) {
	var figures []Figure
	fleets := map[*rqd][]launched{}
	var err error
	for _, n := range w.opts.levels {
		for _, r := range w.rqds() {
			if err = w.tolerate("running frames", r.name, w.grow(ctx, r, fleets, n)); err != nil {
				break
			}
		}
		if err == nil {
			var level []Figure
			level, err = w.level(ctx, n)
			figures = append(figures, level...)
		}
		if err != nil {
			err = fmt.Errorf("%d running frames: %w", n, err)
			break
		}
	}
	for r, fleet := range fleets {
		err = errors.Join(err, w.tolerate("kill", r.name, disband(ctx, r, fleet)))
	}
	_, gone := w.gone(ctx)
	return figures, errors.Join(err, gone)
}

// grow launches frames until there are n, a few at a time.
func (w *world) grow(ctx context.Context, r *rqd, fleets map[*rqd][]launched, n int) error {
	missing := n - len(fleets[r])
	if missing <= 0 {
		return nil
	}
	progress("%s: %d more frames", r.name, missing)
	for range missing {
		l, err := r.launch(ctx, "sleep 3600")
		if err != nil {
			return err
		}
		fleets[r] = append(fleets[r], l)
		if len(fleets[r])%8 == 0 { // As Cuebot books them: not all in one second.
			if err := w.started(ctx, r, len(fleets[r])); err != nil {
				return err
			}
		}
	}
	return w.started(ctx, r, n)
}

// started waits until that many frames have a container that runs, and the RQD lists them.
func (w *world) started(ctx context.Context, r *rqd, n int) error {
	if _, err := r.answers(ctx, n); err != nil {
		return err
	}
	if r != w.rqd {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, goneWait)
	defer cancel()
	for {
		if len(w.inits()) >= n {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for %d running frames: %w", n, ctx.Err())
		}
	}
}

// level measures for a while with n frames of every RQD.
func (w *world) level(ctx context.Context, n int) ([]Figure, error) {
	with := fmt.Sprintf(" with %d running frames", n)
	targets := map[int][3]string{0: {"at most 25 MB", "", "at most 0.03 %"}, 100: {"at most 30 MB", "at most 3.5 MB", "at most 0.5 %"}}[n]
	memory := Figure{Name: "memory of RQD" + with, Unit: "MB", Target: targets[0]}
	each := Figure{Name: "memory of a frameinit" + with, Unit: "MB", Target: targets[1]}
	share := Figure{Name: "memory that one more frameinit takes" + with, Unit: "MB"}
	agent := Figure{Name: "CPU of RQD" + with, Unit: "% of a core"}
	if n == 0 {
		agent.Target = targets[2]
	}
	all := Figure{Name: "CPU of RQD and all frameinits" + with, Unit: "% of a core", Target: targets[2]}
	if err := pause(ctx, w.opts.settle); err != nil {
		return nil, err
	}
	meters := map[*rqd]*meter{}
	for _, r := range w.rqds() {
		meters[r] = newMeter(func() []int { return []int{r.cmd.Process.Pid} })
	}
	pids, err := w.processes(ctx)
	if err != nil {
		return nil, err
	}
	inits := newMeter(func() []int { return pids })
	begin := time.Now()
	if err := pause(ctx, w.opts.watch); err != nil {
		return nil, err
	}
	inits.look()
	window := time.Since(begin).Seconds()
	for _, r := range w.rqds() {
		meters[r].look()
		used := 100 * meters[r].seconds() / window
		agent.add(r.name, used)
		if r == w.rqd {
			used += 100 * inits.seconds() / window
		}
		all.add(r.name, used)
		rss, err := rssOf(r.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		memory.add(r.name, rss)
	}
	for _, pid := range pids {
		if rss, err := rssOf(pid); err == nil {
			each.add(rqdName, rss)
		}
		if pss, err := shareOf(pid); err == nil {
			share.add(rqdName, pss)
		}
	}
	if n == 0 {
		return []Figure{memory, agent}, nil
	}
	return []Figure{memory, each, share, agent, all}, nil
}

// disband kills all frames, several at a time.
func disband(ctx context.Context, r *rqd, fleet []launched) error {
	progress("%s: kill %d frames", r.name, len(fleet))
	var mu sync.Mutex
	var errs []error
	var group sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, l := range fleet {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := r.kill(ctx, l); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
