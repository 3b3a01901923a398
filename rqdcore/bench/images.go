package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"rqdswarm/internal/engine"
)

// pythonEnvironment is what pip installs: an image has Python and a system as well.
const pythonEnvironment = "Python RQD's environment alone"

// images are how large what has to be shipped is.
func (w *world) images(ctx context.Context) ([]Figure, error) {
	f := Figure{Name: "size of the images", Unit: "MB"}
	for _, name := range []string{"rqdcore:dev", "rqd-supervisor:dev"} {
		image, err := w.engine.Image(ctx, name)
		if errors.Is(err, engine.ErrNotFound) {
			progress("no image %s: make images builds it", name)
			continue
		}
		if err != nil {
			return nil, err
		}
		f.add(name, float64(image.Size)/1e6)
	}
	if w.python != nil {
		size, err := sizeOf(w.opts.venv)
		if err != nil {
			return nil, err
		}
		f.add(pythonEnvironment, float64(size)/1e6)
	}
	return []Figure{f}, nil
}

func sizeOf(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}
