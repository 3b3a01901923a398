package engine

import "strings"

// ParseDevice reads docker run's HOST[:CONTAINER][:PERMISSIONS]. It is false for anything else.
func ParseDevice(text string) (Device, bool) {
	parts := strings.Split(text, ":")
	d := Device{HostPath: parts[0], ContainerPath: parts[0], Permissions: "rwm"}
	rest := parts[1:]
	if len(rest) > 0 && strings.HasPrefix(rest[0], "/") {
		d.ContainerPath, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		d.Permissions, rest = rest[0], rest[1:]
	}
	ok := len(rest) == 0 && strings.HasPrefix(d.HostPath, "/") && d.Permissions != "" && strings.Trim(d.Permissions, "rwm") == ""
	return d, ok
}
