package engine

import (
	"slices"
	"strings"
)

// defaultCapabilities are those a container has that asks for none.
func defaultCapabilities() []string {
	return []string{
		"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
		"NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP",
	}
}

// furtherCapabilities are the others that every kernel and engine we support knows
// (linux/capability.h).
func furtherCapabilities() []string {
	return []string{
		"SYS_ADMIN", "SYS_PTRACE", "SYS_NICE", "NET_ADMIN", "DAC_READ_SEARCH", "IPC_LOCK", "IPC_OWNER",
		"SYSLOG", "LEASE", "NET_BROADCAST", "LINUX_IMMUTABLE", "SYS_PACCT", "SYS_TTY_CONFIG",
		"SYS_RESOURCE", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "AUDIT_CONTROL", "AUDIT_READ",
		"MAC_OVERRIDE", "MAC_ADMIN", "WAKE_ALARM", "BLOCK_SUSPEND",
	}
}

// recentCapabilities came with kernels 5.8 and 5.9; engines of that time refuse to create a
// container with one.
func recentCapabilities() []string { return []string{"PERFMON", "BPF", "CHECKPOINT_RESTORE"} }

func allCapabilities() []string {
	return slices.Concat(defaultCapabilities(), furtherCapabilities(), recentCapabilities())
}

// WithCapabilities returns a privileged Spec as an unprivileged one that comes as near as a host
// allows that grants these capabilities: with them the host's /dev and every device in it, no
// seccomp or AppArmor profile, no SELinux label and no masked paths. Lost are the other
// capabilities and a writable /sys. Of a Spec that is not privileged it only takes away the
// capabilities that it adds beyond these.
func WithCapabilities(s Spec, granted []string) Spec {
	if !s.Privileged {
		if len(s.CapAdd) > 0 {
			s.CapAdd = keepGranted(s.CapAdd, granted)
		}
		return s
	}
	s.Privileged = false
	s.CapDrop = []string{"ALL"}
	s.CapAdd = slices.Clone(granted)
	s.DeviceCgroupRules = append(slices.Clone(s.DeviceCgroupRules), "a *:* rwm")
	if !slices.ContainsFunc(s.Mounts, func(m Mount) bool { return m.Target == "/dev" }) {
		// Not as Devices: the engine would make each node anew, and cannot in /dev/pts.
		s.Mounts = append(slices.Clone(s.Mounts), Mount{Type: MountBind, Source: "/dev", Target: "/dev"})
	}
	s.SecurityOpt = slices.Clone(s.SecurityOpt)
	for _, opt := range []string{"seccomp=unconfined", "apparmor=unconfined", "label=disable", optUnmaskedPaths} {
		if !slices.Contains(s.SecurityOpt, opt) {
			s.SecurityOpt = append(s.SecurityOpt, opt)
		}
	}
	return s
}

func keepGranted(want, granted []string) []string {
	var kept []string
	for _, c := range want {
		switch c = strings.TrimPrefix(strings.ToUpper(c), "CAP_"); {
		case c == "ALL":
			return slices.Clone(granted)
		case slices.Contains(granted, c):
			kept = append(kept, c)
		}
	}
	return kept
}
