package machine

import (
	"fmt"
	"net"
	"strings"
	"unicode/utf8"
)

// maxHostName is how many characters Cuebot stores of a name up to its first dot. It answers
// OK to a longer one, and the host never appears.
const maxHostName = 45

// naming is how the host came by its name.
type naming struct {
	name     string
	warnings []string
}

func (n *naming) warn(format string, args ...any) {
	n.warnings = append(n.warnings, fmt.Sprintf(format, args...))
}

// hostName chooses the name that Cuebot files the host under and calls back: the one given
// outright, else the own address or the name found for it, else the host name as given.
//
// In a network namespace that is not the host's the own address is nobody else's to call, so
// there the host name as given stands, which `docker run --hostname` decides.
func hostName(fs FS, o Options) (naming, error) {
	n := naming{name: o.HostName}
	network := o.Network.orSystem()
	if n.name == "" {
		given, err := network.Hostname()
		if err != nil {
			return n, fmt.Errorf("read host name: %w", err)
		}
		n.name = given
		if ownNetwork(fs) {
			n.warn("RQD has a network of its own, so its address means nothing to Cuebot: reporting the host name %q, which Cuebot has to resolve; "+
				"give RQD the host's network, or --hostname, or set OVERRIDE_HOSTNAME", given)
		} else {
			n.search(o, network, given)
		}
	}
	short := n.name
	if net.ParseIP(n.name) == nil {
		short, _, _ = strings.Cut(n.name, ".")
	}
	if short == "" || utf8.RuneCountInString(short) > maxHostName {
		return n, fmt.Errorf("host name %q: want 1 to %d characters before the first dot, Cuebot stores no more; set OVERRIDE_HOSTNAME", n.name, maxHostName)
	}
	return n, nil
}

// search finds the own address, and unless that is to be reported, the name of it. Without an
// answer the given name stays.
func (n *naming) search(o Options, network Network, given string) {
	address := n.interfaceAddress(o, network)
	if address == nil {
		list, err := network.Addresses(given)
		if err != nil {
			n.warn("own address of %q is not known, reporting the host name: %v", given, err)
			return
		}
		if address = pick(list, o.family()); address == nil {
			n.warn("host name %q has no address of the wanted kind, reporting the host name", given)
			return
		}
		address = n.callable(o, network, address)
	}
	if o.UseIPAsHostname || o.UseIPv6 {
		n.name = address.String()
		return
	}
	names, err := network.Names(address)
	if err != nil || len(names) == 0 {
		n.warn("address %s has no name, reporting the host name %q: %v", address, given, err)
		return
	}
	if short, _, _ := strings.Cut(names[0], "."); short != "" {
		n.name = short
	}
}

// family is the kind of address that is to be reported.
func (o Options) family() func(net.IP) bool {
	if o.UseIPv6 {
		return isV6
	}
	return isV4
}

func (n *naming) interfaceAddress(o Options, network Network) net.IP {
	if o.NetworkInterface == "" {
		return nil
	}
	list, err := network.Interface(o.NetworkInterface)
	if err != nil {
		n.warn("RQD_NETWORK_INTERFACE %q: %v", o.NetworkInterface, err)
		return nil
	}
	address := pick(list, o.family())
	if address == nil {
		n.warn("RQD_NETWORK_INTERFACE %q has no address of the wanted kind", o.NetworkInterface)
	}
	return address
}

// callable replaces an address of the loopback, which Debian's /etc/hosts gives a machine for
// its own name, by the one from which Cuebot is reached.
func (n *naming) callable(o Options, network Network, address net.IP) net.IP {
	if !address.IsLoopback() || o.Cuebot == "" || o.UseIPv6 {
		return address
	}
	better, err := network.Outbound(o.Cuebot)
	if err != nil || better.To4() == nil {
		n.warn("own address is %s, which only this machine can call; set RQD_NETWORK_INTERFACE or OVERRIDE_HOSTNAME", address)
		return address
	}
	return better
}
