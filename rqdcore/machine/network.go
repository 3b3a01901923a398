package machine

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

// lookupTimeout keeps a dead name server from holding up the start.
const lookupTimeout = 5 * time.Second

// Network answers the questions that a host's name depends on. The zero value asks the system.
type Network struct {
	Hostname func() (string, error)
	// Addresses are those of a name, as the resolver orders them.
	Addresses func(name string) ([]net.IP, error)
	// Names are those of an address.
	Names func(address net.IP) ([]string, error)
	// Interface lists the addresses of a network interface.
	Interface func(name string) ([]net.IP, error)
	// Outbound is the own address from which remote is reached.
	Outbound func(remote string) (net.IP, error)
}

// orSystem fills in the system's answers.
func (n Network) orSystem() Network {
	if n.Hostname == nil {
		n.Hostname = os.Hostname
	}
	if n.Addresses == nil {
		n.Addresses = lookupAddresses
	}
	if n.Names == nil {
		n.Names = lookupNames
	}
	if n.Interface == nil {
		n.Interface = interfaceAddresses
	}
	if n.Outbound == nil {
		n.Outbound = outbound
	}
	return n
}

func lookupAddresses(name string) ([]net.IP, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	return net.DefaultResolver.LookupIP(ctx, "ip", name)
}

func lookupNames(address net.IP) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	return net.DefaultResolver.LookupAddr(ctx, address.String())
}

func interfaceAddresses(name string) ([]net.IP, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	addresses, err := i.Addrs()
	if err != nil {
		return nil, err
	}
	var list []net.IP
	for _, address := range addresses {
		if ipNet, ok := address.(*net.IPNet); ok && !ipNet.IP.IsLinkLocalUnicast() {
			list = append(list, ipNet.IP)
		}
	}
	return list, nil
}

// outbound sends nothing: connecting a datagram socket only chooses the route.
func outbound(remote string) (net.IP, error) {
	conn, err := net.DialTimeout("udp", remote, lookupTimeout)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, fmt.Errorf("local address is %v", conn.LocalAddr())
	}
	return local.IP, nil
}

func isV4(ip net.IP) bool { return ip.To4() != nil }
func isV6(ip net.IP) bool { return ip.To4() == nil }

// pick is the first address of a list that is of the wanted family, or nil.
func pick(list []net.IP, family func(net.IP) bool) net.IP {
	if i := slices.IndexFunc(list, family); i >= 0 {
		return list[i]
	}
	return nil
}
