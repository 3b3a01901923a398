package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/config"
	"rqdswarm/rqdcore/machine"
	"rqdswarm/rqdcore/runner"
)

const (
	// desktopNice is the niceness of frames on a host that somebody works at, as in the Python RQD.
	desktopNice = 10
	// fallbackDaemonUID is Debian's daemon, when RQD's own passwd file does not name one.
	fallbackDaemonUID = 1
)

// policyOf gathers all that a frame's container depends on.
func policyOf(cfg *config.Config, host *machine.Machine, run engine.Mount, frameInit string, environ []string) runner.Policy {
	d := cfg.Docker
	p := runner.Policy{
		HostName:   host.Name(),
		Namespaces: runner.Namespaces{PID: d.PIDMode, Network: d.NetworkMode},
		Mounts:     d.Mounts, Run: run, FrameInit: frameInit,
		ShellPath: d.ShellPath, WorkingDir: strings.TrimSuffix(host.TempPath(), "/"),
		Identity: runner.Identity{DefaultGID: cfg.UserGID, DaemonUID: daemonUID("/etc/passwd"), Groups: d.FrameGroups},
		Env:      environmentOf(cfg, host, environ),
		Container: runner.Container{
			Privileged: d.Privileged, GPUs: d.GPUMode, CapAdd: d.CapAdd, SecurityOpt: d.SecurityOpt, Devices: d.Devices, Ulimits: d.Ulimits,
			ExtraHosts: d.ExtraHosts, DNS: d.DNS, Tmpfs: d.Tmpfs, ShmSize: d.ShmSize,
		},
		Log:   runner.Log{Timestamps: cfg.PrependTimestamp, Location: time.Local, MaxBytes: cfg.JobLogMaxSize},
		Lease: cfg.FrameLease, KillGrace: cfg.KillGrace,
	}
	if cfg.Desktop {
		p.Identity.Nice = desktopNice
	}
	for _, image := range d.Images {
		p.Images = append(p.Images, runner.Image(image))
	}
	return p
}

func environmentOf(cfg *config.Config, host *machine.Machine, environ []string) runner.Environment {
	own := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		own[name] = value
	}
	env := runner.Environment{
		TimeZone: frameTimeZone(time.Now()), HomePrefix: cfg.HomePrefix, MailPrefix: cfg.MailPrefix,
		HyperThreads: host.Topology().HyperThreaded(), Named: make(map[string]string), FreeGPU: host.FreeGPU,
	}
	if cfg.UsePathEnvVar {
		env.Path = own["PATH"]
	}
	for _, name := range cfg.HostEnvVars {
		env.Named[name] = own[name]
	}
	if cfg.UseAllHostEnvVars {
		env.All = own
	}
	return env
}

// frameTimeZone is the TZ that OpenCue gives every frame: Pacific time, unless the host is in India.
func frameTimeZone(now time.Time) string {
	if zone, _ := now.Zone(); zone == "IST" {
		return "IST"
	}
	return "PST8PDT"
}

// daemonUID is the uid of the account daemon in RQD's own passwd file.
func daemonUID(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return fallbackDaemonUID
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(line, ":")
		if len(fields) > 2 && fields[0] == "daemon" {
			if uid, err := strconv.Atoi(fields[2]); err == nil && uid > 0 {
				return uid
			}
		}
	}
	return fallbackDaemonUID
}
