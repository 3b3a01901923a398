package enginetest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// Create implements Lifecycle.
func (f *Fake) Create(ctx context.Context, s engine.Spec) (id string, warnings []string, err error) {
	leave, err := f.enter(ctx, "Create", s.Name)
	defer leave(&err)
	if err != nil {
		return "", nil, err
	}
	if err := s.Validate(); err != nil {
		return "", nil, err
	}
	image, err := f.findImage(s.Image)
	if err != nil {
		return "", nil, err
	}
	id = f.newID("container")
	if s.Name == "" {
		s.Name = "fake_" + id[:12]
	}
	if err := f.checkName(s.Name); err != nil {
		return "", nil, err
	}
	c := &container{spec: s, changed: make(chan struct{}), files: map[string]engine.File{}}
	c.Container = f.describe(s, id, image)
	f.containers = append(f.containers, c)
	f.emit(c, "create")
	return id, nil, nil
}

func (f *Fake) checkName(name string) error {
	if !regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`).MatchString(name) {
		return fmt.Errorf("container name %q: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed: %w", name, engine.ErrInvalid)
	}
	for _, c := range f.containers {
		if c.Name == name {
			return fmt.Errorf("container name %q is in use by %s: %w", name, c.ID, engine.ErrConflict)
		}
	}
	return nil
}

// Start implements Lifecycle.
func (f *Fake) Start(ctx context.Context, id string) (err error) {
	leave, err := f.enter(ctx, "Start", id)
	defer leave(&err)
	if err != nil {
		return err
	}
	c, err := f.find(id)
	if err != nil || c.State == engine.StateRunning {
		return err
	}
	var script Script
	err = f.refuse(c.spec)
	if err == nil {
		script = f.onStart(c.spec, c.ID)
		err = script.StartError
	}
	if err != nil {
		c.Error = err.Error()
		return fmt.Errorf("start container: %w", err)
	}
	c.script = script
	f.begin(c)
	return nil
}

// Signal implements Lifecycle.
func (f *Fake) Signal(ctx context.Context, id, signal string) (err error) {
	leave, err := f.enter(ctx, "Signal", id)
	defer leave(&err)
	if err != nil {
		return err
	}
	c, err := f.find(id)
	if err != nil {
		return err
	}
	if c.State != engine.StateRunning {
		return fmt.Errorf("signal container %s: it is not running: %w", id, engine.ErrConflict)
	}
	return f.deliver(c, signal)
}

// Stop implements Lifecycle. As a real engine it keeps the deadline when ctx ends first.
func (f *Fake) Stop(ctx context.Context, id string, grace time.Duration) (err error) {
	leave, err := f.enter(ctx, "Stop", id)
	defer leave(&err)
	if err != nil {
		return err
	}
	c, err := f.find(id)
	if err != nil || c.State != engine.StateRunning {
		return err
	}
	signal := c.spec.StopSignal
	if signal == "" {
		signal = "SIGTERM"
	}
	running := c.running
	if err := f.deliver(c, signal); err != nil {
		return err
	}
	f.endLater(c, max(grace, 0), 137)
	f.mu.Unlock()
	defer f.mu.Lock()
	select {
	case <-running:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop container: %w", ctx.Err())
	}
}

// Remove implements Lifecycle.
func (f *Fake) Remove(ctx context.Context, id string, o engine.RemoveOptions) (err error) {
	leave, err := f.enter(ctx, "Remove", id)
	defer leave(&err)
	if err != nil {
		return err
	}
	c, err := f.find(id)
	if err != nil {
		return err
	}
	if c.State == engine.StateRunning {
		if !o.Force {
			return fmt.Errorf("remove container %s: it is running: %w", id, engine.ErrConflict)
		}
		f.emit(c, "kill")
		f.end(c, 137)
	}
	f.containers = slices.DeleteFunc(f.containers, func(other *container) bool { return other == c })
	for i, m := range c.spec.Mounts {
		if m.Type == engine.MountVolume && m.Source == "" {
			delete(f.volumes, c.Mounts[i].Source)
		}
	}
	f.emit(c, "destroy")
	c.wake()
	return nil
}

// Rename implements Catalogue.
func (f *Fake) Rename(ctx context.Context, id, name string) (err error) {
	leave, err := f.enter(ctx, "Rename", id)
	defer leave(&err)
	if err != nil {
		return err
	}
	c, err := f.find(id)
	if err != nil {
		return err
	}
	if err := f.checkName(name); err != nil {
		return err
	}
	c.Name = name
	f.emit(c, "rename")
	return nil
}

// List implements Catalogue. The newest container is the first.
func (f *Fake) List(ctx context.Context, labels map[string]string) (list []engine.Container, err error) {
	leave, err := f.enter(ctx, "List", "")
	defer leave(&err)
	if err != nil {
		return nil, err
	}
	for _, c := range slices.Backward(f.containers) {
		if matches(c.Labels, labels) {
			list = append(list, engine.Container{
				ID: c.ID, Name: c.Name, Image: c.Image, ImageID: c.ImageID, Labels: c.Labels,
				State: c.State, Created: c.Created.Truncate(time.Second), Mounts: c.Mounts,
			})
		}
	}
	return list, nil
}

// Inspect implements Catalogue.
func (f *Fake) Inspect(ctx context.Context, idOrName string) (found engine.Container, err error) {
	leave, err := f.enter(ctx, "Inspect", idOrName)
	defer leave(&err)
	if err != nil {
		return engine.Container{}, err
	}
	c, err := f.find(idOrName)
	if err != nil {
		return engine.Container{}, err
	}
	found = c.Container
	found.Mounts = slices.SortedFunc(slices.Values(c.Mounts), func(a, b engine.Mount) int { return strings.Compare(a.Target, b.Target) })
	return found, nil
}
