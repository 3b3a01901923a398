package runline

import (
	"maps"
	"slices"
	"strings"

	"rqdswarm/internal/engine"
)

// Where RQD keeps what must survive it. Both are named volumes, called after RQD's name.
const (
	runDir   = "/run/rqd"
	stateDir = "/var/lib/rqd"
)

// DefaultSocket is the engine's socket on the host, and where RQD finds it in its container.
const DefaultSocket = "/var/run/docker.sock"

// Options are what one RQD differs from another by.
type Options struct {
	Name     string
	Image    string
	Hostname string
	Socket   string   // Path of the engine's socket on the host.
	Environ  []string // The task's, NAME=value.
	Own      []string // Names in Environ that configure the supervisor.
	// Extra applies RQD_RUN_ARGS to the spec; nil changes nothing.
	Extra func(*engine.Spec)
}

// Spec is the guide's docker run line: privileged, in the host's pid namespace, with the host's name, /tmp and the
// engine's socket. On top of it come the host's cgroup namespace, without which RQD sees no frame's cgroup on v2,
// the host's network, and volumes for what outlives the container. What Extra says wins over all of it.
func Spec(o Options) engine.Spec {
	spec := engine.Spec{
		Name:       o.Name,
		Image:      o.Image,
		Hostname:   o.Hostname,
		Env:        HandedOn(o.Environ, o.Own),
		Labels:     map[string]string{},
		Privilege:  engine.Privilege{Privileged: true},
		Namespaces: engine.Namespaces{PIDMode: "host", CgroupnsMode: "host", UsernsMode: "host"},
	}
	if o.Extra != nil {
		o.Extra(&spec)
	}
	spec.Mounts = slices.Concat(mountsBeside(spec, o), spec.Mounts)
	if spec.NetworkMode == "" && len(spec.Ports) == 0 && !spec.PublishAllPorts {
		spec.NetworkMode = "host" // Published ports need a network of RQD's own.
	}
	if spec.Log.Driver == "" {
		spec.Log = boundedLog(spec.Log.Options)
	}
	return spec
}

// mountsBeside are the guide's mounts and our volumes, but for those whose place is taken.
func mountsBeside(spec engine.Spec, o Options) []engine.Mount {
	ours := []engine.Mount{
		{Type: engine.MountBind, Source: "/tmp", Target: "/tmp", Propagation: "slave"},
		{Type: engine.MountBind, Source: o.Socket, Target: DefaultSocket, ReadOnly: true},
		{Type: engine.MountVolume, Source: o.Name + "-run", Target: runDir},
		{Type: engine.MountVolume, Source: o.Name + "-state", Target: stateDir},
	}
	return slices.DeleteFunc(ours, func(m engine.Mount) bool {
		_, taken := spec.Tmpfs[m.Target]
		return taken || slices.ContainsFunc(spec.Mounts, func(other engine.Mount) bool { return other.Target == m.Target })
	})
}

// boundedLog is a log that cannot fill the disk and is readable whatever the engine's default driver
// is: RQD's output is followed by way of it.
func boundedLog(options map[string]string) engine.LogConfig {
	bounded := map[string]string{"max-size": "10m", "max-file": "3"}
	maps.Copy(bounded, options)
	return engine.LogConfig{Driver: "json-file", Options: bounded}
}

// handedOnPrefixes are the variables of the task that are RQD's business.
var handedOnPrefixes = []string{"RQD_", "CUEBOT_", "OVERRIDE_", "DOCKER_GPU_MODE", "FRAME_", "KILL_GRACE_SECONDS"}

// HandedOn picks the variables that RQD gets from the task's environment, sorted by name: all with
// RQD's prefixes but those in own, which configure the supervisor.
func HandedOn(environ, own []string) []string {
	values := map[string]string{}
	for _, e := range environ {
		name, value, ok := strings.Cut(e, "=")
		if !ok || slices.Contains(own, name) {
			continue
		}
		if slices.ContainsFunc(handedOnPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			values[name] = value
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, name+"="+values[name])
	}
	return out
}

// Hostname is the name RQD reports to Cuebot by: what the operator says, else the name given to
// the task, else the engine's host.
func Hostname(configured, given, engineName string) string {
	switch {
	case configured != "":
		return configured
	case given != "":
		return given
	default:
		return engineName
	}
}
