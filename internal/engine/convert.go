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

// toCreate translates a Spec. Everything that can be wrong with one on this side is found here
// and is ErrInvalid.
func toCreate(s Spec) (createRequest, error) {
	config := toConfig(s)
	host := toHostConfig(s)
	if err := addMounts(host, s.Mounts); err != nil {
		return createRequest{}, as(ErrInvalid, fmt.Errorf("container %q: %w", s.Name, err))
	}
	if err := addPorts(config, host, s.Ports); err != nil {
		return createRequest{}, as(ErrInvalid, fmt.Errorf("container %q: %w", s.Name, err))
	}
	return createRequest{config: config, host: host, network: toNetworking(s)}, nil
}

// toConfig is what the container is: its image, process and identity.
func toConfig(s Spec) *container.Config {
	c := &container.Config{
		Image:      s.Image,
		Hostname:   s.Hostname,
		User:       s.User,
		Entrypoint: slices.Clone(s.Entrypoint),
		Cmd:        slices.Clone(s.Cmd),
		Env:        slices.Clone(s.Env),
		WorkingDir: s.WorkingDir,
		Labels:     maps.Clone(s.Labels),
		StopSignal: s.StopSignal,
	}
	if s.DisableHealthcheck {
		c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
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
	}
	applyPrivilege(h, s.Privilege)
	return h
}
