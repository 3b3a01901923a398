package rpc

import (
	"net"
	"testing"
)

// TestEndpointFamily: the port is opened at an address of the kind that RQD reports by.
func TestEndpointFamily(t *testing.T) {
	t.Parallel()
	addrs := func(list ...string) (out []net.Addr) {
		for _, s := range list {
			out = append(out, &net.IPNet{IP: net.ParseIP(s)})
		}
		return out
	}
	both := addrs("fe80::1", "2001:db8::1", "10.0.0.1", "2001:db8::2", "10.0.0.2")
	for name, tc := range map[string]struct {
		ipv6  bool
		addrs []net.Addr
		want  string
	}{
		"IPv4 first":        {false, both, "10.0.0.1"},
		"IPv6 wanted":       {true, both, "2001:db8::1"},
		"only IPv6":         {false, addrs("fe80::1", "2001:db8::1"), "2001:db8::1"},
		"only IPv4":         {true, addrs("10.0.0.1"), "10.0.0.1"},
		"only a link's own": {false, addrs("fe80::1"), "fe80::1%eth1"},
		"none":              {true, nil, ""},
	} {
		if have := (Endpoint{Interface: "eth1", IPv6: tc.ipv6}).choose(tc.addrs); have != tc.want {
			t.Errorf("%s: have %q, want %q", name, have, tc.want)
		}
	}
}
