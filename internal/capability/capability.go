// Package capability knows the kernel's capabilities by name and by number.
package capability

import "slices"

// Names are those of linux/capability.h without CAP_; the place of a name is its number.
func Names() []string {
	return []string{
		"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
		"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
		"SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
		"AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
		"PERFMON", "BPF", "CHECKPOINT_RESTORE",
	}
}

// Set is the set of the named ones, as /proc/PID/status shows one. ALL is every one; a name that is none adds nothing.
func Set(names []string) uint64 {
	var set uint64
	for number, name := range Names() {
		if slices.Contains(names, name) || slices.Contains(names, "ALL") {
			set |= 1 << number
		}
	}
	return set
}

// Of names the capabilities of a set, sorted. Those that are newer than this package are left out.
func Of(set uint64) []string {
	var names []string
	for number, name := range Names() {
		if set&(1<<number) != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
