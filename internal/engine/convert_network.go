package engine

import (
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// toPorts publishes and exposes the ports; both sides take ranges, as docker run's --publish does.
func toPorts(s Spec) (nat.PortSet, nat.PortMap, error) {
	if len(s.Ports) == 0 && len(s.Expose) == 0 {
		return nil, nil, nil
	}
	exposed, bindings := nat.PortSet{}, nat.PortMap{}
	for _, p := range s.Expose {
		if strings.Contains(p, ":") {
			return nil, nil, fmt.Errorf("expose port %s: want PORT or PORT-PORT, with /PROTOCOL behind it if it is not tcp", p)
		}
		mappings, err := nat.ParsePortSpec(p)
		if err != nil {
			return nil, nil, fmt.Errorf("expose port %s: %w", p, err)
		}
		for _, m := range mappings {
			exposed[m.Port] = struct{}{}
		}
	}
	for _, p := range s.Ports {
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

// toNetworking joins a user-defined network by name; the engine's own kinds need no endpoint, but for a MAC address.
func toNetworking(s Spec) *network.NetworkingConfig {
	name, own := s.NetworkMode, false
	if name == "" {
		name = network.NetworkDefault
	} else {
		own = container.NetworkMode(name).IsUserDefined()
	}
	e := s.Endpoint
	settings := &network.EndpointSettings{MacAddress: e.MAC, GwPriority: e.Priority, DriverOpts: maps.Clone(e.DriverOptions), Aliases: slices.Clone(e.Aliases)}
	if own {
		settings.Links = slices.Clone(e.Links)
	}
	if e.IPv4 != "" || e.IPv6 != "" || len(e.LinkLocal) > 0 {
		settings.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: e.IPv4, IPv6Address: e.IPv6, LinkLocalIPs: slices.Clone(e.LinkLocal)}
	}
	if !own && reflect.DeepEqual(*settings, network.EndpointSettings{}) {
		return nil
	}
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{name: settings}}
}

// withoutEndpointMAC leaves the MAC address to the container's own definition: before API 1.44 it has no other place.
func (r createRequest) withoutEndpointMAC() {
	if r.network == nil {
		return
	}
	for name, settings := range r.network.EndpointsConfig {
		settings.MacAddress = ""
		if reflect.DeepEqual(*settings, network.EndpointSettings{}) && !container.NetworkMode(name).IsUserDefined() {
			delete(r.network.EndpointsConfig, name)
		}
	}
}
