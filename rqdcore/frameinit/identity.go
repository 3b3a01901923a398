package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"rqdswarm/internal/wire"
)

// Of linux/prctl.h and linux/capability.h.
const (
	prSetDumpable       = 4
	prSetChildSubreaper = 36
	prSetNoNewPrivs     = 38
	prCapAmbient        = 47
	prCapAmbientClear   = 4
	capabilityVersion3  = 0x20080522
)

// becomeArtist gives up root for good: frameinit's own user is the artist's, or it could not
// signal the command. Not even a setuid program brings anything back.
func becomeArtist(o *wire.Order) error {
	if o.UID <= 0 || o.GID <= 0 {
		return fmt.Errorf("uid %d, gid %d: no frame runs as root", o.UID, o.GID)
	}
	if os.Geteuid() != o.UID || os.Getegid() != o.GID {
		if err := syscall.Setgroups(groupsOf(o)); err != nil {
			return fmt.Errorf("set groups of %s: %w", o.UserName, needsRoot(err))
		}
		if err := syscall.Setresgid(o.GID, o.GID, o.GID); err != nil {
			return fmt.Errorf("set gid %d: %w", o.GID, needsRoot(err))
		}
		if err := syscall.Setresuid(o.UID, o.UID, o.UID); err != nil {
			return fmt.Errorf("set uid %d: %w", o.UID, needsRoot(err))
		}
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if err := prctlAll(prSetNoNewPrivs, 1); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	// The artist must not read the token in this process's environment, nor the log's descriptor.
	if err := prctlAll(prSetDumpable, 0); err != nil {
		return fmt.Errorf("hide frameinit from the frame: %w", err)
	}
	return nil
}

func needsRoot(err error) error {
	if errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("%w: the container has to start as root with the capabilities SETUID and SETGID", err)
	}
	return err
}

// groupsOf replaces whatever groups the image's root has.
func groupsOf(o *wire.Order) []int {
	groups := []int{o.GID}
	for _, gid := range o.Groups {
		if gid > 0 && gid != o.GID {
			groups = append(groups, gid)
		}
	}
	return groups
}

// dropCapabilities empties the sets of all threads. Most of it the change of the uid did; the
// inheritable set, which old engines fill, it leaves.
func dropCapabilities() error {
	_ = prctlAll(prCapAmbient, prCapAmbientClear) // Linux before 4.3 has none.
	header := struct {
		version uint32
		pid     int32
	}{version: capabilityVersion3}
	var none [2]struct{ effective, permitted, inheritable uint32 }
	_, _, errno := syscall.AllThreadsSyscall(syscall.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0)
	return errnoError(errno)
}

func prctlAll(option, arg uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, option, arg, 0, 0, 0, 0)
	return errnoError(errno)
}

func errnoError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
