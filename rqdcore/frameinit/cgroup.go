package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// usage is what the frame's cgroup says; sizes in bytes, times in microseconds.
type usage struct {
	memory   int64 // Anonymous and shared memory: never page cache, which the kernel takes back.
	swap     int64
	user     int64
	system   int64
	oomKills int64
}

// cgroup reads the accounts of the container that frameinit is in. Its files stay open, so
// that the readings after the command's end cannot fail for anything.
type cgroup interface {
	// memory is cheap enough to be asked often.
	memory() (memory, swap int64, err error)
	all() (usage, error)
	// processes is the file that lists what is in the container, for frames without a pid namespace.
	processes() string
}

var errNoCgroup = errors.New("the container's cgroup cannot be seen")

// findCgroup looks for the frame's own cgroup below root. The host's root cgroup is not taken:
// it would account for the whole host.
func findCgroup(root string) (cgroup, error) {
	mounts, err := readMounts(root, " - cgroup")
	if err != nil {
		return nil, err
	}
	paths, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil, err
	}
	v := view{root: root, mounts: mounts, paths: paths}
	if memory, ok := v.directory("memory"); ok {
		if isThere(memory, "cgroup.sane_behavior") || isThere(memory, "release_agent") {
			return nil, errNoCgroup
		}
		cpu, _ := v.directory("cpuacct")
		return openV1(memory, cpu)
	}
	if dir, ok := v.directory(""); ok && isThere(dir, "cgroup.events") && isThere(dir, "memory.stat") {
		return openV2(dir)
	}
	return nil, errNoCgroup
}

func isThere(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// view is what /proc says of the cgroups of this process.
type view struct {
	root   string
	mounts []mount
	paths  []byte // Text of /proc/self/cgroup.
}

// directory is where a controller's files of this process are; "" is the controller of cgroup v2.
func (v view) directory(controller string) (string, bool) {
	path, ok := v.path(controller)
	if !ok {
		return "", false
	}
	for _, m := range v.mounts {
		if !m.has(controller) || !within(path, m.root) {
			continue
		}
		below := strings.TrimPrefix(path, strings.TrimSuffix(m.root, "/"))
		return filepath.Join(v.root, m.point, below), true
	}
	return "", false
}

func (v view) path(controller string) (string, bool) {
	for line := range bytes.Lines(v.paths) {
		fields := strings.SplitN(strings.TrimSuffix(string(line), "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for name := range strings.SplitSeq(fields[1], ",") {
			if name == controller {
				return fields[2], true
			}
		}
	}
	return "", false
}

func (m mount) has(controller string) bool {
	if controller == "" {
		return m.fstype == "cgroup2"
	}
	if m.fstype != "cgroup" {
		return false
	}
	for _, option := range m.super {
		if option == controller {
			return true
		}
	}
	return false
}

// statFile is an open file of numbers that is read again and again.
type statFile int

// openStat opens what may be missing on this kernel; reading it then is an error.
func openStat(path string) statFile {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return statFile(fd)
}

func (s statFile) read(buf []byte) ([]byte, error) {
	n, err := syscall.Pread(int(s), buf, 0)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

// number reads a file that holds one.
func (s statFile) number() (int64, error) {
	var buf [32]byte
	text, err := s.read(buf[:])
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
}

// keyed calls take for each line of a name and a number.
func keyed(text []byte, take func(name []byte, value int64)) {
	for line := range bytes.Lines(text) {
		name, rest, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(string(rest), 10, 64); err == nil {
			take(name, n)
		}
	}
}
