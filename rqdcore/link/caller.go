package link

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"rqdswarm/internal/containerid"
)

// caller is who the kernel says is at the other end of a connection.
type caller struct {
	pid       int    // 0 when it is in a pid namespace that rqdcore cannot see.
	cgroup    []byte // Its /proc/PID/cgroup; empty when unknown.
	container string // The container in cgroup; empty when there is none.
	innerPID  int    // Its pid in its own namespace; 0 when unknown.
}

// identify asks the kernel who connected.
func identify(proc string, conn *net.UnixConn) (caller, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return caller{}, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return caller{}, err
	}
	if credErr != nil {
		return caller{}, fmt.Errorf("ask who calls: %w", credErr)
	}
	return inspect(proc, int(cred.Pid))
}

// inspect reads what there is to know of process pid. What the kernel does not show is left
// unknown, but a caller that is gone already is an error: its pid may be another's by now.
func inspect(proc string, pid int) (caller, error) {
	c := caller{pid: pid}
	if pid == 0 {
		return c, nil
	}
	dir := filepath.Join(proc, strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return c, fmt.Errorf("caller, process %d, is gone", pid)
	}
	c.innerPID = innermostPID(status)
	if text, err := os.ReadFile(filepath.Join(dir, "cgroup")); err == nil {
		c.cgroup, c.container = text, containerid.FromCgroup(text)
	}
	return c, nil
}

// in says whether the caller is in the container id. Its cgroup may name outer containers, too.
func (c caller) in(id string) bool {
	return id != "" && bytes.Contains(c.cgroup, []byte(id))
}

// key is what the number of connections is limited by.
func (c caller) key() string {
	switch {
	case c.container != "":
		return c.container
	case c.pid != 0:
		return strconv.Itoa(c.pid)
	}
	return ""
}

// innermostPID reads the last number of the NSpid line; 0 before Linux 4.1, which has none.
func innermostPID(status []byte) int {
	for line := range bytes.Lines(status) {
		list, ok := bytes.CutPrefix(line, []byte("NSpid:"))
		if !ok {
			continue
		}
		fields := bytes.Fields(list)
		if len(fields) == 0 {
			return 0
		}
		n, err := strconv.Atoi(string(fields[len(fields)-1]))
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}
