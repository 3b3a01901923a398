package engine

import (
	"fmt"
	"net"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// toPorts publishes the ports; both sides take ranges, as docker run's --publish does.
func toPorts(ports []Port) (nat.PortSet, nat.PortMap, error) {
	if len(ports) == 0 {
		return nil, nil, nil
	}
	exposed, bindings := nat.PortSet{}, nat.PortMap{}
	for _, p := range ports {
		if p.ContainerPort == "" {
			return nil, nil, fmt.Errorf("publish port %s: the container's port is missing", p.HostPort)
		}
		mappings, err := nat.ParsePortSpec(portSpec(p))
		if err != nil {
			return nil, nil, fmt.Errorf("publish port %s: %w", portSpec(p), err)
		}
		for _, m := range mappings {
			exposed[m.Port] = struct{}{}
			bindings[m.Port] = append(bindings[m.Port], m.Binding)
		}
	}
	return exposed, bindings, nil
}

func portSpec(p Port) string {
	spec := p.ContainerPort
	if p.Protocol != "" {
		spec += "/" + strings.ToLower(p.Protocol)
	}
	if p.HostPort != "" || p.HostIP != "" {
		spec = p.HostPort + ":" + spec
	}
	switch {
	case p.HostIP == "":
		return spec
	case net.ParseIP(p.HostIP).To4() == nil:
		return "[" + strings.Trim(p.HostIP, "[]") + "]:" + spec
	}
	return p.HostIP + ":" + spec
}

// toNetworking joins a user-defined network by name; the engine's own kinds need no endpoint.
func toNetworking(s Spec) *network.NetworkingConfig {
	mode := container.NetworkMode(s.NetworkMode)
	if s.NetworkMode == "" || !mode.IsUserDefined() {
		return nil
	}
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{s.NetworkMode: {}}}
}
