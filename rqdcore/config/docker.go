package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"rqdswarm/internal/engine"
)

// devices are written as docker run's --device: HOST[:CONTAINER][:rwm].
func devices() kind[[]engine.Device] {
	return list("list", commaWords, parseDevice, func(d engine.Device) string {
		return d.HostPath + ":" + d.ContainerPath + ":" + d.Permissions
	})
}

func parseDevice(text string) (engine.Device, error) {
	d, ok := engine.ParseDevice(text)
	if !ok {
		return engine.Device{}, errors.New("want HOST[:CONTAINER][:PERMISSIONS], for example /dev/fuse or /dev/sda:/dev/xvda:r")
	}
	return d, nil
}

// resources are the names that the engine knows for --ulimit.
var resources = []string{
	"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile",
	"nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
}

// ulimits are written as docker run's --ulimit: NAME=SOFT[:HARD], -1 for none.
func ulimits() kind[[]engine.Ulimit] {
	return list("list", commaWords, parseUlimit, func(u engine.Ulimit) string {
		return fmt.Sprintf("%s=%d:%d", u.Name, u.Soft, u.Hard)
	})
}

func parseUlimit(text string) (engine.Ulimit, error) {
	want := errors.New("want NAME=SOFT[:HARD], for example nofile=1024:65536 or memlock=-1")
	name, values, ok := strings.Cut(text, "=")
	if !ok {
		return engine.Ulimit{}, want
	}
	if !slices.Contains(resources, name) {
		return engine.Ulimit{}, fmt.Errorf("want one of %s", strings.Join(resources, ", "))
	}
	softText, hardText, both := strings.Cut(values, ":")
	if !both {
		hardText = softText
	}
	soft, err := strconv.ParseInt(softText, 10, 64)
	hard, err2 := strconv.ParseInt(hardText, 10, 64)
	if err != nil || err2 != nil || soft < -1 || hard < -1 {
		return engine.Ulimit{}, want
	}
	if hard != -1 && (soft == -1 || soft > hard) {
		return engine.Ulimit{}, errors.New("want a soft limit that is not above the hard one")
	}
	return engine.Ulimit{Name: name, Soft: soft, Hard: hard}, nil
}

// extraHosts are written as docker run's --add-host: NAME:ADDRESS.
func extraHosts() kind[[]string] {
	return list("list", commaWords, parseExtraHost, func(s string) string { return s })
}

func parseExtraHost(text string) (string, error) {
	if i := strings.IndexAny(text, ":="); i > 0 {
		address := strings.Trim(text[i+1:], "[]")
		if address == "host-gateway" || net.ParseIP(address) != nil {
			return text[:i] + ":" + address, nil
		}
	}
	return "", errors.New("want NAME:ADDRESS, for example licence:10.0.0.7")
}

// addresses are name servers.
func addresses() kind[[]string] {
	return list("list", commaWords, func(text string) (string, error) {
		if net.ParseIP(text) == nil {
			return "", errors.New("want an IP address")
		}
		return text, nil
	}, func(s string) string { return s })
}

// tmpfs is written as docker run's --tmpfs: PATH[:OPTIONS], separated by blanks because options hold commas.
func tmpfs() kind[map[string]string] {
	return kind[map[string]string]{"list", func(text string) (map[string]string, error) {
		var out map[string]string
		for _, word := range strings.Fields(text) {
			target, options, _ := strings.Cut(word, ":")
			if err := checkTarget(target); err != nil {
				return nil, fmt.Errorf("%q: %w", word, err)
			}
			if _, twice := out[target]; twice {
				return nil, fmt.Errorf("%q: path comes twice; want it once", word)
			}
			if out == nil {
				out = make(map[string]string)
			}
			out[target] = options
		}
		return out, nil
	}, func(m map[string]string) string {
		var words []string
		for _, target := range slices.Sorted(maps.Keys(m)) {
			words = append(words, strings.TrimSuffix(target+":"+m[target], ":"))
		}
		return strings.Join(words, " ")
	}}
}

// groups are numeric, because names mean something else in every image.
func groups() kind[[]int] {
	id := number(1, 1<<31-1)
	return list("list of gids", commaWords, id.parse, id.format)
}

// pidMode is host, private (the default) or container:ID.
func pidMode() kind[string] {
	return kind[string]{"string", func(text string) (string, error) {
		switch {
		case text == "private":
			return "", nil
		case text == "host", strings.HasPrefix(text, "container:") && len(strings.Fields(text)) == 1:
			return text, nil
		}
		return "", errors.New("want private, host or container:NAME")
	}, func(s string) string {
		if s == "" {
			return "private"
		}
		return s
	}}
}

// network is host, bridge, none, container:NAME or the name of a network.
func network() kind[string] {
	return kind[string]{"string", func(text string) (string, error) {
		if text == "" || len(strings.Fields(text)) != 1 {
			return "", errors.New("want host, bridge, none, container:NAME or the name of a network")
		}
		return text, nil
	}, func(s string) string { return s }}
}

// securityOptions turns what docker run's --security-opt takes into what the engine takes:
// a seccomp profile is named by its path there and handed over as text here.
func securityOptions(written []string) ([]string, error) {
	var out []string
	for _, option := range written {
		file, ok := strings.CutPrefix(option, "seccomp=")
		if !ok || file == "unconfined" || file == "builtin" {
			out = append(out, option)
			continue
		}
		profile, err := os.ReadFile(file) // #nosec G304 -- the administrator named it.
		if err != nil {
			return nil, fmt.Errorf("%q: read seccomp profile: %w", option, err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, profile); err != nil {
			return nil, fmt.Errorf("%q: read seccomp profile: %w", option, err)
		}
		out = append(out, "seccomp="+compact.String())
	}
	return out, nil
}

func checkSecurityOption(option string) error {
	switch name, value, _ := strings.Cut(option, "="); name {
	case "no-new-privileges", "no-new-privileges:true", "no-new-privileges:false":
		return nil
	case "seccomp", "apparmor", "label":
		if value != "" {
			return nil
		}
	}
	return errors.New("want seccomp=FILE, apparmor=PROFILE, label=… or no-new-privileges, as docker run's --security-opt")
}
