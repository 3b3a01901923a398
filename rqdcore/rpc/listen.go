package rpc

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Endpoint is where RQD serves: on every address of the host, or with the name of a network interface
// (RQD_NETWORK_INTERFACE) on one address of that only.
type Endpoint struct {
	Interface string
	IPv6      bool // IPv6 before IPv4, as RQD_USE_IPV6_AS_HOSTNAME reports it; else IPv4 before IPv6.
	Port      int
}

// Listen opens RQD's port.
func Listen(ctx context.Context, e Endpoint) (net.Listener, error) {
	host, err := e.address()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(e.Port)))
	if err != nil {
		return nil, fmt.Errorf("open port %d: %w", e.Port, err)
	}
	return l, nil
}

// LocalAddress is where a program on the same host finds the port that Listen opened.
func LocalAddress(e Endpoint) (string, error) {
	host, err := e.address()
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(cmp.Or(host, "localhost"), strconv.Itoa(e.Port)), nil
}

// address is the interface's, empty for no interface.
func (e Endpoint) address() (string, error) {
	if e.Interface == "" {
		return "", nil
	}
	i, err := net.InterfaceByName(e.Interface)
	if err != nil {
		return "", fmt.Errorf("network interface %q: %w, want one of %s", e.Interface, err, interfaceNames())
	}
	addrs, err := i.Addrs()
	if err != nil {
		return "", fmt.Errorf("network interface %q: %w", e.Interface, err)
	}
	address := e.choose(addrs)
	if address == "" {
		return "", fmt.Errorf("network interface %q has no address", e.Interface)
	}
	return address, nil
}

// choose takes the first address of the wanted family, else of the other. Of IPv6 a link's own address comes last.
func (e Endpoint) choose(addrs []net.Addr) string {
	var v4, v6, link string
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok:
		case n.IP.To4() != nil:
			v4 = cmp.Or(v4, n.IP.String())
		case n.IP.IsLinkLocalUnicast():
			link = cmp.Or(link, n.IP.String()+"%"+e.Interface)
		default:
			v6 = cmp.Or(v6, n.IP.String())
		}
	}
	v6 = cmp.Or(v6, link)
	if e.IPv6 {
		return cmp.Or(v6, v4)
	}
	return cmp.Or(v4, v6)
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
