package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart says, in the environment, that this process has a network of its own.
const apart = "CHAOS_NETWORK"

// leaveNetwork starts this program over in a network namespace of its own, which has loopback only: RQD's ports are in
// nobody's way, and no engine meets the machine's bridge. It returns once that is so, or with what is in the way.
func leaveNetwork() error {
	if os.Getenv(apart) != "" {
		return raiseLoopback()
	}
	if os.Geteuid() != 0 {
		return errors.New("chaos starts an engine of its own and mounts file systems: run it as root")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // The namespace is the thread's, and the new program has it from the thread.
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	return fmt.Errorf("start over: %w", syscall.Exec(self, os.Args, append(os.Environ(), apart+"=own"))) // #nosec G204 -- ourselves.
}

func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("raise the loopback interface: %w", err)
	}
	return nil
}
