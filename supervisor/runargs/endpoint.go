package runargs

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/docker/cli/opts"

	"rqdswarm/internal/engine"
)

// network takes docker run's short form, a name, and the long one with the endpoint's settings.
func network(value string, _ Context) (change, error) {
	var o opts.NetworkOpt
	if err := o.Set(value); err != nil {
		return nil, err
	}
	found := o.Value()[0]
	if found.Target == "" {
		return nil, errors.New("want host, bridge, none or a network's name")
	}
	if found.MacAddress != "" {
		if _, err := net.ParseMAC(found.MacAddress); err != nil {
			return nil, err
		}
	}
	return func(s *engine.Spec) {
		s.NetworkMode = found.Target
		e := &s.Endpoint
		e.Aliases = append(e.Aliases, found.Aliases...)
		e.LinkLocal = append(e.LinkLocal, found.LinkLocalIPs...)
		if found.IPv4Address != "" {
			e.IPv4 = found.IPv4Address
		}
		if found.IPv6Address != "" {
			e.IPv6 = found.IPv6Address
		}
		if found.MacAddress != "" {
			e.MAC = found.MacAddress
		}
		e.DriverOptions, e.Priority = found.DriverOpts, found.GwPriority
	}, nil
}

func networkAlias(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.Endpoint.Aliases = append(s.Endpoint.Aliases, value) }, nil
}

func link(value string, _ Context) (change, error) {
	value, err := opts.ValidateLink(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.Endpoint.Links = append(s.Endpoint.Links, value) }, nil
}

func ip(value string, _ Context) (change, error) {
	return address(value, func(e *engine.Endpoint, a string) { e.IPv4 = a })
}

func ip6(value string, _ Context) (change, error) {
	return address(value, func(e *engine.Endpoint, a string) { e.IPv6 = a })
}

func linkLocalIP(value string, _ Context) (change, error) {
	return address(value, func(e *engine.Endpoint, a string) { e.LinkLocal = append(e.LinkLocal, a) })
}

func address(value string, set func(*engine.Endpoint, string)) (change, error) {
	value, err := opts.ValidateIPAddress(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { set(&s.Endpoint, value) }, nil
}

func macAddress(value string, _ Context) (change, error) {
	if _, err := net.ParseMAC(value); err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.Endpoint.MAC = value }, nil
}

func expose(value string, _ Context) (change, error) {
	if err := (engine.Spec{Expose: []string{value}}).Validate(); err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.Expose = append(s.Expose, value) }, nil
}

func publishAll(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.PublishAllPorts = on })
}

// builtIn are the networks that every engine has.
func builtIn(mode string) bool {
	return slices.Contains([]string{"", "default", "bridge", "host", "none", "container"}, mode)
}

// networkConflict finds what the network of RQD cannot give. Without --network and --publish it is the host's.
func networkConflict(s engine.Spec, mode string) error {
	publishes := len(s.Ports) > 0 || s.PublishAllPorts
	shown := mode
	if mode == "" && !publishes {
		mode, shown = "host", "host (which it is by default)"
	}
	e := s.Endpoint
	switch {
	case publishes && (mode == "host" || mode == "none" || mode == "container"):
		return fmt.Errorf("--publish and --network %s exclude each other", s.NetworkMode)
	case s.UTSMode == "host" && mode != "host":
		return fmt.Errorf("--uts host and --network %s exclude each other", shown)
	case e.MAC != "" && (mode == "host" || mode == "none" || mode == "container"):
		return fmt.Errorf("--mac-address and --network %s exclude each other", shown)
	case len(e.Links) > 0 && mode != "bridge" && mode != "default" && builtIn(mode):
		return fmt.Errorf("--link and --network %s exclude each other", shown)
	case builtIn(mode) && (len(e.Aliases)+len(e.LinkLocal)+len(e.DriverOptions) > 0 || e.IPv4 != "" || e.IPv6 != ""):
		return fmt.Errorf("addresses and aliases need --network with a network of your own, not %s", shown)
	}
	return nil
}
