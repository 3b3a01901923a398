package enginetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// describe is the container as inspect shows it after Create; it makes the volumes it names.
func (f *Fake) describe(s engine.Spec, id string, image *engine.Image) engine.Container {
	c := engine.Container{
		ID: id, Name: s.Name, Image: s.Image, ImageID: image.ID, Hostname: s.Hostname,
		Labels: map[string]string{}, Env: mergeEnv(image.Env, s.Env), Cmd: slices.Clone(s.Cmd),
		State: engine.StateCreated, Created: time.Now(),
		Namespaces: s.Namespaces, Privileged: s.Privileged,
	}
	maps.Copy(c.Labels, image.Labels)
	maps.Copy(c.Labels, s.Labels)
	if c.Hostname == "" {
		c.Hostname = id[:12]
	}
	if s.NetworkMode == "host" && s.Hostname == "" {
		c.Hostname = f.info.Name
	}
	if c.NetworkMode == "" {
		c.NetworkMode = "default"
	}
	if c.IPCMode == "" {
		c.IPCMode = "private"
	}
	for _, m := range s.Mounts {
		c.Mounts = append(c.Mounts, f.describeMount(m))
	}
	return c
}

func (f *Fake) describeMount(m engine.Mount) engine.Mount {
	m = engine.Mount{Type: m.Type, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly, Propagation: m.Propagation}
	switch m.Type {
	case engine.MountBind:
		if m.Propagation == "" {
			m.Propagation = "rprivate"
		}
	case engine.MountVolume:
		if m.Source == "" {
			m.Source = f.newID("volume")
		}
		if _, ok := f.volumes[m.Source]; !ok {
			f.volumes[m.Source] = engine.Volume{Name: m.Source, Driver: "local", Created: time.Now().Truncate(time.Second)}
		}
	}
	return m
}

// mergeEnv is the image's environment with the container's laid over it.
func mergeEnv(image, own []string) []string {
	merged := slices.Clone(own)
	for _, e := range image {
		name, _, _ := strings.Cut(e, "=")
		if !slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
			merged = append(merged, e)
		}
	}
	return merged
}

// matches says whether labels has all wanted ones; an empty value matches any.
func matches(labels, wanted map[string]string) bool {
	for k, want := range wanted {
		have, ok := labels[k]
		if !ok || want != "" && have != want {
			return false
		}
	}
	return true
}

// refuse answers as engine 20.10 and runc 1.1 do on a host that grants less than the Spec asks for.
func (f *Fake) refuse(s engine.Spec) error {
	for _, m := range s.Mounts {
		switch {
		case !f.private || m.Type != engine.MountBind:
		case m.Propagation == "slave" || m.Propagation == "rslave":
			return fmt.Errorf("path %s is mounted on / but it is not a shared or slave mount", m.Source)
		case m.Propagation == "shared" || m.Propagation == "rshared":
			return fmt.Errorf("path %s is mounted on / but it is not a shared mount", m.Source)
		}
	}
	asks := func(c string) bool { return slices.Contains(s.CapAdd, c) || slices.Contains(s.CapAdd, "ALL") }
	if len(f.lacking) > 0 && s.Privileged || slices.ContainsFunc(f.lacking, asks) {
		return errors.New("OCI runtime create failed: unable to start container process: unable to apply caps: operation not permitted: unknown")
	}
	if len(s.Entrypoint) > 0 && s.Entrypoint[0] == engine.ProbeEntrypoint {
		return fmt.Errorf("exec: %q: no such file or directory: %w", s.Entrypoint[0], engine.ErrInvalid)
	}
	return nil
}

// SetServiceStopGrace makes the fake's node a manager that knows one service.
func (f *Fake) SetServiceStopGrace(id string, grace time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serviceID, f.serviceGrace = id, grace
}

// ServiceStopGrace implements what a Client does on a manager, or on a worker, which knows no service.
func (f *Fake) ServiceStopGrace(_ context.Context, id string) (time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.serviceID == "" || id != f.serviceID {
		return 0, fmt.Errorf("inspect service %s: this node is not a manager: %w", id, engine.ErrUnavailable)
	}
	return f.serviceGrace, nil
}
