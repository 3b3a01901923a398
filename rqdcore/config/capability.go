package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// capabilityNames are the kernel's, without CAP_.
func capabilityNames() []string {
	return strings.Fields(`
	AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN
	DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE
	LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST
	NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE
	SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG
	WAKE_ALARM`)
}

// capabilities are kept as the engine wants them: upper case, without CAP_.
func capabilities() kind[[]string] {
	known := capabilityNames()
	return list("list", commaWords, func(word string) (string, error) {
		name := strings.TrimPrefix(strings.ToUpper(word), "CAP_")
		if name == "ALL" || slices.Contains(known, name) {
			return name, nil
		}
		if near := nearest(name, known); near != "" {
			return "", fmt.Errorf("want a capability's name, perhaps %s", near)
		}
		return "", errors.New("want a capability's name, for example SYS_PTRACE, or ALL")
	}, func(s string) string { return s })
}
