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
	prSetKeepCaps       = 8
	prSetChildSubreaper = 36
	prSetNoNewPrivs     = 38
	prGetNoNewPrivs     = 39
	prCapAmbient        = 47
	prCapAmbientRaise   = 2
	prCapAmbientClear   = 4
	capabilityVersion3  = 0x20080522
)

// becomeArtist gives up root for good: frameinit's own user is the artist's, or it could not
// signal the command. Of its capabilities only those are left that the order names, for the
// command; not even a setuid program brings more back.
func becomeArtist(o *wire.Order) error {
	if o.UID <= 0 || o.GID <= 0 {
		return fmt.Errorf("uid %d, gid %d: no frame runs as root", o.UID, o.GID)
	}
	if o.Capabilities != 0 { // Without it the change of the uid drops them all.
		if err := prctlAll(prSetKeepCaps, 1); err != nil {
			return fmt.Errorf("keep capabilities: %w", err)
		}
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
	if err := limitCapabilities(o.Capabilities); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if err := refusePrivileges(); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	// The artist must not read the token in this process's environment, nor the log's descriptor. This is of the
	// memory, not of a thread.
	if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0); errno != 0 {
		return fmt.Errorf("hide frameinit from the frame: %w", errno)
	}
	return nil
}

// refusePrivileges sets no_new_privs in all threads, where the engine has not done so before there were any: to stop
// them all takes as long as the whole rest.
func refusePrivileges() error {
	if set, _, _ := syscall.Syscall(syscall.SYS_PRCTL, prGetNoNewPrivs, 0, 0); set == 1 {
		return nil
	}
	return prctlAll(prSetNoNewPrivs, 1)
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

// capabilityHeader and capabilityData are the kernel's arguments of capget and capset.
type capabilityHeader struct {
	version uint32
	pid     int32
}

type capabilityData [2]struct{ effective, permitted, inheritable uint32 }

func (d capabilityData) permitted() uint64 {
	return uint64(d[1].permitted)<<32 | uint64(d[0].permitted)
}

// limitCapabilities leaves those of keep that frameinit has, in all threads, and makes them
// ambient: so the command has them although it is not root's. All others are gone.
func limitCapabilities(keep uint64) error {
	header := capabilityHeader{version: capabilityVersion3}
	var data capabilityData
	_, _, errno := syscall.Syscall(syscall.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	if errno != 0 {
		return errno
	}
	if data == (capabilityData{}) { // Then the kernel has no ambient ones either.
		return nil
	}
	_ = prctlAll(prCapAmbient, prCapAmbientClear) // Linux before 4.3 has none.
	keep &= data.permitted()
	for i := range data {
		part := uint32(keep >> (32 * i))
		data[i].effective, data[i].permitted, data[i].inheritable = 0, part, part
	}
	_, _, errno = syscall.AllThreadsSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	if errno != 0 {
		return errno
	}
	for number := range 64 {
		if keep&(1<<number) == 0 {
			continue
		}
		if err := prctlAll(prCapAmbient, prCapAmbientRaise, uintptr(number)); err != nil {
			return fmt.Errorf("give the command capability %d: %w", number, err)
		}
	}
	return nil
}

func prctlAll(option uintptr, args ...uintptr) error {
	var a [2]uintptr
	copy(a[:], args)
	_, _, errno := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, option, a[0], a[1], 0, 0, 0)
	return errnoError(errno)
}

func errnoError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
