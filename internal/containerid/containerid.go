// Package containerid finds the container that a process runs in, from what the kernel says
// of it. Host names prove nothing: Swarm, compose and people set them.
package containerid

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
)

// digits are runs of hexadecimal digits; a Docker container id is one of exactly idLength.
// cgroupfs writes /docker/<id>, systemd docker-<id>.scope, and the files that Docker binds lie in …/containers/<id>/.
var digits = regexp.MustCompile(`[0-9a-f]+`)

const idLength = 64

// boundFile is a line of mountinfo for a file that Docker binds into every container: its host path holds the id.
var boundFile = regexp.MustCompile(`(?m)^\S+ \S+ \S+ (\S*/[0-9a-f]{64}/\S*) /etc/(?:hostname|hosts|resolv\.conf) `)

// FromCgroup reads the text of /proc/PID/cgroup. It is empty on cgroup v2 in a private
// namespace, where a process sees itself at the root. Of nested containers the innermost counts.
func FromCgroup(text []byte) string {
	for line := range bytes.Lines(text) {
		if id := last(line); id != "" {
			return id
		}
	}
	return ""
}

func last(path []byte) string {
	id := ""
	for _, run := range digits.FindAll(path, -1) {
		if len(run) == idLength {
			id = string(run)
		}
	}
	return id
}

// FromMountinfo reads the text of /proc/PID/mountinfo.
func FromMountinfo(text []byte) string {
	m := boundFile.FindSubmatch(text)
	if m == nil {
		return ""
	}
	return last(m[1])
}

// Of is the id of the container that the process pid, or "self", runs in, below the given
// /proc; empty when it runs in none.
func Of(proc, pid string) string {
	if text, err := os.ReadFile(filepath.Join(proc, pid, "cgroup")); err == nil {
		if id := FromCgroup(text); id != "" {
			return id
		}
	}
	text, err := os.ReadFile(filepath.Join(proc, pid, "mountinfo"))
	if err != nil {
		return ""
	}
	return FromMountinfo(text)
}
