package runargs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/docker/cli/opts"

	"rqdswarm/internal/engine"
)

// publish takes docker run's short form, [[IP:]HOST:]CONTAINER[/PROTOCOL], and the long one of the guide's script.
func publish(value string, _ Context) (change, error) {
	p, err := parsePort(value)
	if err != nil {
		return nil, err
	}
	if err := (engine.Spec{Ports: []engine.Port{p}}).Validate(); err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.Ports = append(s.Ports, p) }, nil
}

func parsePort(value string) (engine.Port, error) {
	var p engine.Port
	if strings.Contains(value, "=") {
		return parseLongPort(value)
	}
	value, p.Protocol, _ = strings.Cut(value, "/")
	rest, container, found := cutLast(value)
	p.ContainerPort = container
	if !found {
		return p, nil
	}
	ip, host, found := cutLast(rest)
	p.HostPort = host
	if found {
		p.HostIP = strings.Trim(ip, "[]")
	}
	return p, nil
}

// cutLast splits at the last colon; without one all of it is after.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndex(s, ":")
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

func parseLongPort(value string) (engine.Port, error) {
	var p engine.Port
	for part := range strings.SplitSeq(value, ",") {
		key, v, _ := strings.Cut(part, "=")
		switch key {
		case "target":
			p.ContainerPort = v
		case "published":
			p.HostPort = v
		case "protocol":
			p.Protocol = v
		case "mode":
			if v != "host" {
				return p, fmt.Errorf("mode %s: want host, a container has no other", v)
			}
		default:
			return p, fmt.Errorf("key %q: want target, published, protocol or mode", key)
		}
	}
	if p.ContainerPort == "" {
		return p, errors.New("target is missing")
	}
	return p, nil
}

func addHost(value string, _ Context) (change, error) {
	value, err := opts.ValidateExtraHost(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.ExtraHosts = append(s.ExtraHosts, value) }, nil
}

func dns(value string, _ Context) (change, error) {
	value, err := opts.ValidateIPAddress(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.DNS = append(s.DNS, value) }, nil
}

func dnsSearch(value string, _ Context) (change, error) {
	value, err := opts.ValidateDNSSearch(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.DNSSearch = append(s.DNSSearch, value) }, nil
}

func dnsOption(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.DNSOptions = append(s.DNSOptions, value) }, nil
}

func logDriver(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.Log.Driver = value }, nil
}

func logOpt(value string, _ Context) (change, error) {
	name, text, ok := strings.Cut(value, "=")
	if !ok || name == "" {
		return nil, errors.New("want NAME=value")
	}
	return func(s *engine.Spec) {
		if s.Log.Options == nil {
			s.Log.Options = map[string]string{}
		}
		s.Log.Options[name] = text
	}, nil
}
