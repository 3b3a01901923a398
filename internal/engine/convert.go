package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// createRequest is a Spec in the engine's three parts.
type createRequest struct {
	config  *container.Config
	host    *container.HostConfig
	network *network.NetworkingConfig
}

// Validate finds what can be wrong with a Spec before the engine is asked. It returns ErrInvalid,
// and Create calls it.
func (s Spec) Validate() error {
	for _, m := range s.Mounts {
		if err := m.validate(); err != nil {
			return as(ErrInvalid, fmt.Errorf("container %q: %w", s.Name, err))
		}
	}
	if _, _, err := toPorts(s); err != nil {
		return as(ErrInvalid, fmt.Errorf("container %q: %w", s.Name, err))
	}
	return nil
}

// toCreate translates a Spec.
func toCreate(s Spec) (createRequest, error) {
	if err := s.Validate(); err != nil {
		return createRequest{}, err
	}
	config := toConfig(s)
	host := toHostConfig(s)
	host.Binds, config.Volumes, host.Mounts = toMounts(s.Mounts)
	exposed, bindings, err := toPorts(s)
	config.ExposedPorts, host.PortBindings = exposed, bindings
	return createRequest{config: config, host: host, network: toNetworking(s)}, err
}

// toConfig is what the container is: its image, process and identity.
func toConfig(s Spec) *container.Config {
	c := &container.Config{
		Image:      s.Image,
		Hostname:   s.Hostname,
		Domainname: s.Domainname,
		User:       s.User,
		Entrypoint: slices.Clone(s.Entrypoint),
		Cmd:        slices.Clone(s.Cmd),
		Env:        slices.Clone(s.Env),
		WorkingDir: s.WorkingDir,
		Labels:     maps.Clone(s.Labels),
		StopSignal: s.StopSignal,
	}
	c.MacAddress = s.Endpoint.MAC //nolint:staticcheck // Engines before API 1.44 know no other place.
	switch h := s.Health; {
	case s.DisableHealthcheck:
		c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
	case h != nil:
		c.Healthcheck = &container.HealthConfig{
			Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
		}
		if h.Command != "" {
			c.Healthcheck.Test = []string{"CMD-SHELL", h.Command}
		}
	}
	return c
}

// toHostConfig is what the container gets of its host, mounts and ports apart.
func toHostConfig(s Spec) *container.HostConfig {
	h := &container.HostConfig{
		LogConfig:    container.LogConfig{Type: s.Log.Driver, Config: maps.Clone(s.Log.Options)},
		PidMode:      container.PidMode(s.PIDMode),
		NetworkMode:  container.NetworkMode(s.NetworkMode),
		IpcMode:      container.IpcMode(s.IPCMode),
		UTSMode:      container.UTSMode(s.UTSMode),
		UsernsMode:   container.UsernsMode(s.UsernsMode),
		CgroupnsMode: container.CgroupnsMode(s.CgroupnsMode),
		DNS:          slices.Clone(s.DNS),
		DNSOptions:   slices.Clone(s.DNSOptions),
		DNSSearch:    slices.Clone(s.DNSSearch),
		ExtraHosts:   slices.Clone(s.ExtraHosts),
		Tmpfs:        maps.Clone(s.Tmpfs),
		ShmSize:      s.ShmSize,
		OomScoreAdj:  s.OOMScoreAdj,
		Resources:    toResources(s),
		GroupAdd:     slices.Clone(s.Groups),
		Runtime:      s.Runtime,
		VolumesFrom:  slices.Clone(s.VolumesFrom),
		VolumeDriver: s.VolumeDriver,
		StorageOpt:   maps.Clone(s.StorageOpt),
		Sysctls:      maps.Clone(s.Sysctls),

		PublishAllPorts: s.PublishAllPorts,
	}
	if s.Init != nil {
		init := *s.Init
		h.Init = &init
	}
	if !h.NetworkMode.IsUserDefined() { // There, links belong to the endpoint.
		h.Links = slices.Clone(s.Endpoint.Links)
	}
	applyPrivilege(h, s.Privilege)
	return h
}
