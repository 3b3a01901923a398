package swarm

import (
	"os"
	"path/filepath"
	"regexp"

	"rqdswarm/internal/containerid"
)

var shortID = regexp.MustCompile(`^[0-9a-f]{12}$`)

// candidates returns what may be the id or the name of our own container, best first: the files that
// the engine mounts over /etc, the cgroup path, the host name. The engine decides which is right.
func candidates(root, hostname string) []string {
	var found []string
	add := func(id string) {
		if id != "" {
			found = append(found, id)
		}
	}
	if text, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo")); err == nil {
		add(containerid.FromMountinfo(text))
	}
	if text, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup")); err == nil {
		add(containerid.FromCgroup(text))
	}
	if shortID.MatchString(hostname) {
		add(hostname)
	}
	return found
}
