package machine

import (
	"os"
	"path"
)

// ownNetwork says whether RQD's network namespace is certainly not the host's. Process 1
// tells when the pid namespace is the host's. When it is RQD's own too, a container whose
// every interface has its other end elsewhere is taken for one on a bridge.
func ownNetwork(fs FS) bool {
	mine, err := os.Readlink(fs.path("proc/self/ns/net"))
	if err != nil {
		return false
	}
	if first, err := os.Readlink(fs.path("proc/1/ns/net")); err == nil && first != mine {
		return true
	}
	if _, err := os.Stat(fs.path(".dockerenv")); err != nil {
		return false
	}
	return allPeered(fs)
}

// allPeered says whether no interface beside the loopback is rooted here.
func allPeered(fs FS) bool {
	const dir = "sys/class/net"
	entries, err := os.ReadDir(fs.path(dir))
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if entry.Name() == "lo" {
			continue
		}
		index, err := fs.line(path.Join(dir, entry.Name(), "ifindex"))
		if err != nil {
			continue // A file such as bonding_masters.
		}
		if link, err := fs.line(path.Join(dir, entry.Name(), "iflink")); err != nil || link == index {
			return false
		}
	}
	return true
}
