package swarm

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	containerID = regexp.MustCompile(`[0-9a-f]{64}`)
	shortID     = regexp.MustCompile(`^[0-9a-f]{12}$`)
)

// candidates returns what may be the id or the name of our own container, best first: the files that
// the engine mounts over /etc, the cgroup path, the host name. The engine decides which is right.
func candidates(root, hostname string) []string {
	var found []string
	add := func(id string) {
		if id != "" {
			found = append(found, id)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo")); err == nil {
		add(idFromMountinfo(string(b)))
	}
	if b, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup")); err == nil {
		add(idFromCgroup(string(b)))
	}
	if shortID.MatchString(hostname) {
		add(hostname)
	}
	return found
}

// idFromMountinfo finds the container id in the source of the files that the engine mounts into every
// container. Other mounts are not looked at: they may show other containers' directories.
func idFromMountinfo(text string) string {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		source, target := fields[3], fields[4]
		if target != "/etc/hostname" && target != "/etc/hosts" && target != "/etc/resolv.conf" {
			continue
		}
		if id := lastID(source); id != "" {
			return id
		}
	}
	return ""
}

// idFromCgroup finds the container id in a cgroup path, v1 or v2, whichever driver made it. With a private
// cgroup namespace the path is "/" and says nothing. Of nested containers the innermost is ours.
func idFromCgroup(text string) string {
	for line := range strings.Lines(text) {
		_, path, ok := strings.Cut(strings.TrimSpace(line), "::")
		if !ok {
			parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
			if len(parts) != 3 {
				continue
			}
			path = parts[2]
		}
		if id := lastID(path); id != "" {
			return id
		}
	}
	return ""
}

func lastID(path string) string {
	ids := containerID.FindAllString(path, -1)
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1]
}
