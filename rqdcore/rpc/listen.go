package rpc

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Listen opens RQD's port: on every address of the host, or with the name of a network
// interface (RQD_NETWORK_INTERFACE) on that interface's address only, IPv4 before IPv6.
func Listen(ctx context.Context, networkInterface string, port int) (net.Listener, error) {
	host, err := addressOf(networkInterface)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("open port %d: %w", port, err)
	}
	return l, nil
}

// LocalAddress is where a program on the same host finds the port that Listen opened.
func LocalAddress(networkInterface string, port int) (string, error) {
	host, err := addressOf(networkInterface)
	if err != nil {
		return "", err
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// addressOf is the interface's address, empty for no interface.
func addressOf(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return "", fmt.Errorf("network interface %q: %w, want one of %s", name, err, interfaceNames())
	}
	addrs, err := i.Addrs()
	if err != nil {
		return "", fmt.Errorf("network interface %q: %w", name, err)
	}
	var v6 string
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok:
		case n.IP.To4() != nil:
			return n.IP.String(), nil
		case v6 == "" && n.IP.IsLinkLocalUnicast():
			v6 = n.IP.String() + "%" + name
		case v6 == "" || strings.Contains(v6, "%"):
			v6 = n.IP.String()
		}
	}
	if v6 == "" {
		return "", fmt.Errorf("network interface %q has no address", name)
	}
	return v6, nil
}

func interfaceNames() string {
	all, err := net.Interfaces()
	if err != nil {
		return err.Error()
	}
	names := make([]string, 0, len(all))
	for _, i := range all {
		names = append(names, i.Name)
	}
	return strings.Join(names, ", ")
}
