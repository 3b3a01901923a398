package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rqdswarm/internal/engine"
)

// Remote is an image in a registry that the Fake can reach.
type Remote struct {
	Image engine.Image
	// Auth is what the registry wants to see; nil serves everybody.
	Auth *engine.RegistryAuth
	// Errors are what the first pulls fail with, one each.
	Errors []error
	// Takes is how long a pull takes.
	Takes time.Duration
}

// AddImage makes an image local under its tags. Its ID may be empty.
func (f *Fake) AddImage(image engine.Image) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addImage(image)
}

// AddRemote puts an image into a registry. Its id and digest are made up where they are empty.
func (f *Fake) AddRemote(ref string, r Remote) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remote[mustParse(ref).String()] = r
}

func mustParse(ref string) engine.Reference {
	parsed, err := engine.ParseReference(ref)
	if err != nil {
		panic("enginetest: " + err.Error())
	}
	return parsed
}

func (f *Fake) addImage(image engine.Image) *engine.Image {
	if image.ID == "" {
		image.ID = "sha256:" + sum("image", image.Tags...)
	}
	f.images = slices.DeleteFunc(f.images, func(i *engine.Image) bool { return i.ID == image.ID })
	for _, tag := range image.Tags {
		f.untag(mustParse(tag).String())
	}
	f.images = append(f.images, &image)
	return &image
}

func (f *Fake) untag(canonical string) {
	for _, i := range f.images {
		i.Tags = slices.DeleteFunc(slices.Clone(i.Tags), func(tag string) bool { return mustParse(tag).String() == canonical })
	}
}

func (f *Fake) findImage(ref string) (*engine.Image, error) {
	parsed, err := engine.ParseReference(ref)
	if err != nil {
		return nil, err
	}
	for _, i := range f.images {
		names := slices.Concat(i.Tags, i.Digests)
		if i.ID == parsed.ID || slices.ContainsFunc(names, func(n string) bool { return mustParse(n).String() == parsed.String() }) {
			return i, nil
		}
	}
	return nil, fmt.Errorf("no such image %s: %w", ref, engine.ErrNotFound)
}

// Image implements Images.
func (f *Fake) Image(ctx context.Context, ref string) (image engine.Image, err error) {
	leave, err := f.enter(ctx, "Image", ref)
	defer leave(&err)
	if err != nil {
		return engine.Image{}, err
	}
	found, err := f.findImage(ref)
	if err != nil {
		return engine.Image{}, err
	}
	return *found, nil
}

// Pull implements Images.
func (f *Fake) Pull(ctx context.Context, r engine.PullRequest) (digest string, err error) {
	leave, err := f.enter(ctx, "Pull", r.Reference)
	defer leave(&err)
	if err != nil {
		return "", err
	}
	ref, err := engine.ParseReference(r.Reference)
	if err != nil {
		return "", err
	}
	if !ref.Pullable() {
		return "", fmt.Errorf("pull image %s: an image id is local: %w", ref, engine.ErrInvalid)
	}
	name, ok := f.findRemote(ref)
	if !ok {
		return "", fmt.Errorf("pull image %s: manifest unknown: %w", ref, engine.ErrNotFound)
	}
	remote := f.remote[name]
	if len(remote.Errors) > 0 {
		err = remote.Errors[0]
		remote.Errors = remote.Errors[1:]
		f.remote[name] = remote
		return "", err
	}
	if remote.Auth != nil && (r.Auth == nil || *r.Auth != *remote.Auth) {
		return "", fmt.Errorf("pull image %s: authentication required: %w", ref, engine.ErrUnauthorized)
	}
	if err := f.download(ctx, r, remote.Takes); err != nil {
		return "", fmt.Errorf("pull image %s: %w", ref, err)
	}
	return f.store(ref, remote.Image), nil
}

// findRemote finds an image by the reference it was added under or by its digest.
func (f *Fake) findRemote(ref engine.Reference) (name string, ok bool) {
	for name := range f.remote {
		other := mustParse(name)
		sameRepository := other.Registry == ref.Registry && other.Repository == ref.Repository
		if name == ref.String() || sameRepository && ref.Digest == digestOf(other) {
			return name, true
		}
	}
	return "", false
}

// digestOf is the digest of what is in a registry under a reference.
func digestOf(ref engine.Reference) string {
	if ref.Digest != "" {
		return ref.Digest
	}
	return "sha256:" + sum("digest", ref.String())
}

// download takes its time, unlocked.
func (f *Fake) download(ctx context.Context, r engine.PullRequest, takes time.Duration) error {
	f.mu.Unlock()
	defer f.mu.Lock()
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.Progress != nil {
		r.Progress(engine.PullProgress{Layer: "fake", Status: "Downloading", Current: 1, Total: 2})
		r.Progress(engine.PullProgress{Layer: "fake", Status: "Pull complete"})
	}
	return nil
}

// store makes a pulled image local and returns its digest.
func (f *Fake) store(ref engine.Reference, image engine.Image) string {
	digest := digestOf(ref)
	repository := ref.Registry + "/" + ref.Repository
	image.Digests = append(slices.Clone(image.Digests), repository+"@"+digest)
	image.Tags = nil
	if ref.Tag != "" {
		image.Tags = []string{repository + ":" + ref.Tag}
	}
	f.addImage(image)
	return digest
}

// RemoveImage implements Images.
func (f *Fake) RemoveImage(ctx context.Context, ref string) (err error) {
	leave, err := f.enter(ctx, "RemoveImage", ref)
	defer leave(&err)
	if err != nil {
		return err
	}
	image, err := f.findImage(ref)
	if err != nil {
		return err
	}
	if len(image.Tags) <= 1 {
		for _, c := range f.containers {
			if c.ImageID == image.ID {
				return fmt.Errorf("remove image %s: container %s uses it: %w", ref, c.ID, engine.ErrConflict)
			}
		}
		f.images = slices.DeleteFunc(f.images, func(i *engine.Image) bool { return i == image })
		return nil
	}
	f.untag(mustParse(ref).String())
	return nil
}

// Ping implements Host.
func (f *Fake) Ping(ctx context.Context) (err error) {
	leave, err := f.enter(ctx, "Ping", "")
	defer leave(&err)
	return err
}

// Info implements Host.
func (f *Fake) Info(ctx context.Context) (info engine.Info, err error) {
	leave, err := f.enter(ctx, "Info", "")
	defer leave(&err)
	return f.info, err
}

// VolumeInspect implements Host.
func (f *Fake) VolumeInspect(ctx context.Context, name string) (v engine.Volume, err error) {
	leave, err := f.enter(ctx, "VolumeInspect", name)
	defer leave(&err)
	if err != nil {
		return engine.Volume{}, err
	}
	v, ok := f.volumes[name]
	if !ok {
		return engine.Volume{}, fmt.Errorf("no such volume %s: %w", name, engine.ErrNotFound)
	}
	return v, nil
}

// VolumeRemove implements Host.
func (f *Fake) VolumeRemove(ctx context.Context, name string) (err error) {
	leave, err := f.enter(ctx, "VolumeRemove", name)
	defer leave(&err)
	if err != nil {
		return err
	}
	if _, ok := f.volumes[name]; !ok {
		return fmt.Errorf("no such volume %s: %w", name, engine.ErrNotFound)
	}
	for _, c := range f.containers {
		if slices.ContainsFunc(c.Mounts, func(m engine.Mount) bool { return m.Source == name }) {
			return errors.Join(fmt.Errorf("volume %s is in use by %s", name, c.ID), engine.ErrConflict)
		}
	}
	delete(f.volumes, name)
	return nil
}
