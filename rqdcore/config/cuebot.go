package config

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

// cuebotNames are hosts with or without a port, as written; withPort completes them.
func cuebotNames() kind[[]string] {
	names := list("list", commaWords, checkCuebot, func(s string) string { return s })
	each := names.parse
	names.parse = func(text string) ([]string, error) {
		cuebots, err := each(text)
		if err == nil && len(cuebots) == 0 {
			err = errors.New("want at least one HOST or HOST:PORT")
		}
		return cuebots, err
	}
	return names
}

func checkCuebot(name string) (string, error) {
	host, port := splitCuebot(name)
	if host == "" || strings.ContainsAny(host, "/[]") {
		return "", errors.New("want HOST or HOST:PORT")
	}
	if port == "" {
		return name, nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("want a port from 1 to 65535 after the colon")
	}
	return name, nil
}

// splitCuebot takes HOST, HOST:PORT, [IPV6]:PORT, [IPV6] and a bare IPv6 address.
func splitCuebot(name string) (host, port string) {
	if net.ParseIP(name) != nil {
		return name, ""
	}
	if inner, ok := strings.CutSuffix(name, "]"); ok && strings.HasPrefix(inner, "[") {
		return inner[1:], ""
	}
	i := strings.LastIndexByte(name, ':')
	if i < 0 {
		return name, ""
	}
	host, port = name[:i], name[i+1:]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	} else if strings.Contains(host, ":") {
		return "", port
	}
	if port == "" {
		port = "0" // "host:" is a mistake, not a default.
	}
	return host, port
}

// withPort completes the names to host:port.
func withPort(names []string, port int) []string {
	out := make([]string, len(names))
	for i, name := range names {
		host, given := splitCuebot(name)
		if given == "" {
			given = strconv.Itoa(port)
		}
		out[i] = net.JoinHostPort(host, given)
	}
	return out
}
