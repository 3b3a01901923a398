package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// frameLabel is what RQD puts on the containers of its frames, with its host's name.
const frameLabel = "org.rqdswarm.host"

// goneWait bounds the removal of containers.
const goneWait = 2 * time.Minute

// frames are the containers of our RQD's frames.
func (w *world) frames(ctx context.Context) ([]engine.Container, error) {
	return w.engine.List(ctx, map[string]string{frameLabel: filepath.Base(w.dir)})
}

// gone waits until RQD has removed all its containers, and returns when that was.
func (w *world) gone(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, goneWait)
	defer cancel()
	for {
		list, err := w.frames(ctx)
		if err == nil && len(list) == 0 {
			return time.Now(), nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%d containers of frames are still there: %w", len(list), errors.Join(ctx.Err(), err))
		}
	}
}

// processes are the first processes of the frames' containers, frameinit each.
func (w *world) processes(ctx context.Context) ([]int, error) {
	list, err := w.frames(ctx)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, c := range list {
		full, err := w.engine.Inspect(ctx, c.ID)
		if err == nil && full.PID > 0 {
			pids = append(pids, full.PID)
		}
	}
	return pids, nil
}

// sweep removes what carries the label, NAME or NAME=VALUE.
func (w *world) sweep(ctx context.Context, label string) error {
	name, value, _ := strings.Cut(label, "=")
	list, err := w.engine.List(ctx, map[string]string{name: value})
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range list {
		if err := w.engine.Remove(ctx, c.ID, engine.RemoveOptions{Force: true}); !engine.IsGone(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
