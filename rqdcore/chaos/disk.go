package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// logDisk is a file system of its own for the rqlogs, so that it can stall as a file server does.
type logDisk struct{ dir string }

// logDiskSize is what the logs of a few thousand frames fit in; the file is sparse.
const logDiskSize = 4 << 30

func mountLogDisk(dir string) (*logDisk, error) {
	image := dir + ".ext4"
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Truncate(image, logDiskSize), os.MkdirAll(dir, 0o755)); err != nil { // #nosec G301 -- artists write there.
		return nil, err
	}
	for _, line := range [][]string{
		{"mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", image},
		{"mount", "-o", "loop,noatime", image, dir},
	} {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil { // #nosec G204 -- our own words.
			return nil, fmt.Errorf("make a disk for the logs: %s: %w: %s", line[0], err, bytes.TrimSpace(out))
		}
	}
	return &logDisk{dir}, os.Remove(filepath.Join(dir, "lost+found"))
}

// The ioctls of linux/fs.h that freeze a file system: whoever writes waits, and no signal ends that.
const (
	fiFreeze = 0xC0045877
	fiThaw   = 0xC0045878
)

func (d *logDisk) freeze() error { return control(d.dir, fiFreeze) }

func (d *logDisk) thaw() error { return control(d.dir, fiThaw) }

// thaw lets go of what a killed run may have frozen.
func thaw(dir string) { _ = control(dir, fiThaw) } // Most often it is not frozen, or not there.

func control(dir string, request uintptr) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, 0); errno != 0 {
		return fmt.Errorf("freeze or thaw %s: %w", dir, errno)
	}
	return nil
}
