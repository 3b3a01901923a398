package health

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rqdswarm/internal/engine"
)

// port is where RQD answers Cuebot.
const port = "8444"

// Inspector reads one container.
type Inspector interface {
	Inspect(ctx context.Context, id string) (engine.Container, error)
}

// EngineProbe asks the engine for the health of RQD's container and, where the image has no health check,
// tries the given addresses of RQD's port.
func EngineProbe(in Inspector, addresses []string) Probe {
	return func(ctx context.Context, id string) Answer {
		c, err := in.Inspect(ctx, id)
		switch {
		case errors.Is(err, engine.ErrNotFound):
			return NotReady
		case err != nil: // The engine is away; RQD may be well.
			return tryPort(ctx, addresses)
		case c.State != engine.StateRunning:
			return NotReady
		}
		switch c.Health {
		case "healthy":
			return Ready
		case "starting":
			return NotReady
		case "unhealthy":
			return Failing
		default:
			return tryPort(ctx, addresses)
		}
	}
}

// tryPort is Ready when any address takes a connection. Only a refusal says that nothing listens there; silence may
// be a firewall.
func tryPort(ctx context.Context, addresses []string) Answer {
	answer := Unknown
	for _, address := range addresses {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = c.Close()
			return Ready
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			answer = NotReady
		}
	}
	return answer
}

// Addresses are where RQD's port may be reached from here: on the host's own network, or where it is published. Without
// either there are none, and its port cannot be checked.
func Addresses(spec engine.Spec, hosts []string) []string {
	ports := []string{port}
	if spec.NetworkMode != "host" {
		ports = nil
		for _, p := range spec.Ports {
			if p.ContainerPort == port && p.HostPort != "" && (p.Protocol == "" || strings.EqualFold(p.Protocol, "tcp")) {
				ports = append(ports, p.HostPort)
			}
		}
	}
	var addresses []string
	for _, p := range ports {
		for _, host := range hosts {
			addresses = append(addresses, net.JoinHostPort(host, p))
		}
	}
	return addresses
}

// Hosts are the addresses at which an RQD on the host's network may be reached from here: ourselves, which is the host
// when we share its network, and the default gateway, which is the host when we do not.
func Hosts(root string) []string {
	hosts := []string{"127.0.0.1"}
	b, err := os.ReadFile(filepath.Join(root, "proc/net/route"))
	if err != nil {
		return hosts
	}
	if gateway := defaultGateway(string(b)); gateway != "" {
		hosts = append(hosts, gateway)
	}
	return hosts
}

// defaultGateway reads the IPv4 default route of /proc/net/route, where addresses are hexadecimal in host byte order.
func defaultGateway(text string) string {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		b, err := hex.DecodeString(f[2])
		if err != nil || len(b) != 4 {
			continue
		}
		return net.IPv4(b[3], b[2], b[1], b[0]).String()
	}
	return ""
}
