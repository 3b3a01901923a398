package machine

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// farm is a Network whose resolver knows one host.
func farm(host string, addresses ...string) Network {
	return Network{
		Hostname: func() (string, error) { return host, nil },
		Addresses: func(name string) ([]net.IP, error) {
			var list []net.IP
			for _, a := range addresses {
				list = append(list, net.ParseIP(a))
			}
			if name != host || len(list) == 0 {
				return nil, errors.New("no such host")
			}
			return list, nil
		},
		Names: func(ip net.IP) ([]string, error) {
			if ip.String() != "10.0.0.7" {
				return nil, errors.New("no such address")
			}
			return []string{"node7.farm.example."}, nil
		},
		Interface: func(name string) ([]net.IP, error) {
			if name != "eth1" {
				return nil, errors.New("no such network interface")
			}
			return []net.IP{net.ParseIP("fd00::8"), net.ParseIP("10.0.1.7")}, nil
		},
		Outbound: func(remote string) (net.IP, error) {
			if remote != "cue:8443" {
				return nil, errors.New("network is unreachable")
			}
			return net.ParseIP("10.0.2.7"), nil
		},
	}
}

func TestHostName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 46)
	for name, tc := range map[string]struct {
		options Options
		want    string
		warning string // Part of the only one; empty for none.
	}{
		"given outright":             {Options{HostName: "Any.Thing", UseIPAsHostname: true, Network: farm("n7", "10.0.0.7")}, "Any.Thing", ""},
		"own address":                {Options{UseIPAsHostname: true, Network: farm("n7", "fd00::7", "10.0.0.7")}, "10.0.0.7", ""},
		"own IPv6 address":           {Options{UseIPv6: true, Network: farm("n7", "10.0.0.7", "fd00::7")}, "fd00::7", ""},
		"both asked for is IPv6":     {Options{UseIPAsHostname: true, UseIPv6: true, Network: farm("n7", "10.0.0.7", "fd00::7")}, "fd00::7", ""},
		"name of the address":        {Options{Network: farm("n7", "10.0.0.7")}, "node7", ""},
		"address without a name":     {Options{Network: farm("n7", "10.0.0.8")}, "n7", "10.0.0.8 has no name"},
		"host without an address":    {Options{UseIPAsHostname: true, Network: farm("n7")}, "n7", "no such host"},
		"no address of the kind":     {Options{UseIPv6: true, Network: farm("n7", "10.0.0.7")}, "n7", "no address of the wanted kind"},
		"interface":                  {Options{UseIPAsHostname: true, NetworkInterface: "eth1", Network: farm("n7", "10.0.0.7")}, "10.0.1.7", ""},
		"interface, IPv6":            {Options{UseIPv6: true, NetworkInterface: "eth1", Network: farm("n7")}, "fd00::8", ""},
		"interface that is missing":  {Options{UseIPAsHostname: true, NetworkInterface: "eth9", Network: farm("n7", "10.0.0.7")}, "10.0.0.7", `"eth9": no such`},
		"loopback, Cuebot reachable": {Options{UseIPAsHostname: true, Cuebot: "cue:8443", Network: farm("n7", "127.0.1.1")}, "10.0.2.7", ""},
		"loopback, Cuebot not":       {Options{UseIPAsHostname: true, Cuebot: "else:8443", Network: farm("n7", "127.0.1.1")}, "127.0.1.1", "only this machine can call"},
		"long domain":                {Options{HostName: "n." + long, Network: farm("n7")}, "n." + long, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have, err := hostName(FS(t.TempDir()), tc.options)
			if err != nil {
				t.Fatal(err)
			}
			if have.name != tc.want {
				t.Errorf("have %q, want %q", have.name, tc.want)
			}
			if text := strings.Join(have.warnings, "; "); (text == "") != (tc.warning == "") || !strings.Contains(text, tc.warning) {
				t.Errorf("have warnings %q, want %q", text, tc.warning)
			}
		})
	}
}

func TestHostNameErrors(t *testing.T) {
	t.Parallel()
	long := farm(strings.Repeat("n", 46) + ".farm")
	broken := Network{Hostname: func() (string, error) { return "", errors.New("no name") }}
	for name, tc := range map[string]struct {
		options Options
		want    string
	}{
		"too long for Cuebot": {Options{Network: long}, "want 1 to 45 characters"},
		"empty":               {Options{Network: farm("")}, "want 1 to 45 characters"},
		"not known":           {Options{Network: broken}, "read host name: no name"},
	} {
		if have, err := hostName(FS(t.TempDir()), tc.options); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: have %q, error %v, want %q", name, have.name, err, tc.want)
		}
	}
}

func TestOwnNetwork(t *testing.T) {
	t.Parallel()
	link := func(name, index, peer string) map[string]string {
		return map[string]string{"sys/class/net/" + name + "/ifindex": index + "\n", "sys/class/net/" + name + "/iflink": peer + "\n"}
	}
	with := func(parts ...map[string]string) map[string]string {
		all := map[string]string{"proc/self/ns/net": "->net:[4026531840]"}
		for _, part := range parts {
			for name, text := range part {
				all[name] = text
			}
		}
		return all
	}
	docker := map[string]string{".dockerenv": ""}
	lo, bridge, host, veth := link("lo", "1", "1"), link("eth0", "52", "53"), link("eth0", "2", "2"), link("veth12", "7", "6")
	for name, tc := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"host":                                {with(lo, host), false},
		"host with containers":                {with(lo, host, veth), false},
		"host's pid namespace, own network":   {with(docker, lo, bridge, map[string]string{"proc/1/ns/net": "->net:[4026531111]"}), true},
		"host's pid namespace and network":    {with(docker, lo, host, map[string]string{"proc/1/ns/net": "->net:[4026531840]"}), false},
		"container on a bridge":               {with(docker, lo, bridge, map[string]string{"proc/1/ns/net": "->net:[4026531840]"}), true},
		"container on the host's network":     {with(docker, lo, host, veth), false},
		"container without network":           {with(docker, lo), true},
		"container without sys":               {with(docker), false},
		"machine whose link is a virtual one": {with(lo, bridge), false},
		"no proc":                             {map[string]string{"x": ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := ownNetwork(root(t, tc.files)); have != tc.want {
				t.Errorf("have %v, want %v", have, tc.want)
			}
		})
	}
	fs := root(t, with(docker, lo, bridge))
	have, err := hostName(fs, Options{UseIPAsHostname: true, NetworkInterface: "eth1", Cuebot: "cue:8443", Network: farm("node7", "172.17.0.2")})
	if err != nil || have.name != "node7" || len(have.warnings) != 1 || !strings.Contains(have.warnings[0], "network of its own") {
		t.Errorf("have %+v, error %v, want the given name and a warning", have, err)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	const release = "5.14.0-362.8.1.el9_3.x86_64"
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, tc := range map[string]struct {
		options  Options
		host     string
		release  string
		want     []string
		warnings int
	}{
		"plain":               {Options{Version: "1.2"}, "n7", release, []string{"rqdv-1.2", "64bit", release}, 0},
		"all":                 {Options{Version: "1.2", Tags: []string{"gpu", "big"}, Desktop: true}, "n7", release, []string{"rqdv-1.2", "gpu", "big", "desktop", "64bit", release}, 0},
		"release is cleaned":  {Options{Version: "1"}, "n7", "2.6.9-89.EL.spismp\n", []string{"rqdv-1", "64bit", "2.6.9-89"}, 0},
		"twice":               {Options{Version: "1", Tags: []string{"64bit", "a", "a"}}, "n7", release, []string{"rqdv-1", "64bit", "a", release}, 0},
		"release is too long": {Options{Version: "1"}, "n7", x(50), []string{"rqdv-1", "64bit", x(45)}, 1},
		"release has no room": {Options{Version: "1", Tags: []string{x(40), "y" + x(39)}}, "n7", release, []string{"rqdv-1", x(40), "y" + x(39), "64bit"}, 1},
		"tags have no room":   {Options{Version: "1", Tags: []string{x(40), "y" + x(39), "z" + x(39)}}, "n7", release, []string{"rqdv-1", x(40), "y" + x(39), "64bit"}, 2},
		"begins with another": {Options{Version: "1", Tags: []string{"gpu", x(40), "y" + x(39), "gpu-z" + x(35)}}, "n7", "6", []string{"rqdv-1", "gpu", x(40), "y" + x(39), "64bit"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have, warnings := tags(tc.options, tc.host, tc.release)
			if diff := cmp.Diff(tc.want, have); diff != "" {
				t.Errorf("want (-), have (+):\n%s", diff)
			}
			if len(warnings) != tc.warnings {
				t.Errorf("have warnings %v, want %d", warnings, tc.warnings)
			}
			if n := len(strings.Join(have, " ")) + len(tc.host) + 2 + allocationTag; n > maxAllTags {
				t.Errorf("have %d characters with host and allocation, want at most %d", n, maxAllTags)
			}
		})
	}
	for arch, want := range map[string]string{"amd64": "64bit", "arm64": "64bit", "386": "32bit", "arm": "32bit"} {
		if have := bits(arch); have != want {
			t.Errorf("%s: have %q, want %q", arch, have, want)
		}
	}
}
