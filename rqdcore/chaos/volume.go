package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rqdswarm/internal/engine/enginetest"
)

// stateSize is that of the state volume: quickly filled.
const stateSize = "1m"

// planted marks the files that are ours.
const planted = "chaos-"

// volume is RQD's state directory on a file system of its own.
type volume struct {
	dir  string
	seen int // Planted files so far.
}

func mountVolume(dir string) (*volume, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+stateSize); err != nil {
		return nil, fmt.Errorf("mount a tmpfs on %s, as root: %w", dir, err)
	}
	return &volume{dir: dir}, nil
}

// fill takes all the room there is.
func (v *volume) fill() error {
	f, err := os.Create(filepath.Join(v.dir, planted+"filler"))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

// free gives the room back.
func (v *volume) free() error {
	if err := os.Remove(filepath.Join(v.dir, planted+"filler")); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// protect makes the directories read-only. It is a mount for each, since RQD's lock beside them is open for writing.
// Only a bare RQD sees them.
func (v *volume) protect() error {
	for _, sub := range []string{"frames", "outbox"} {
		dir := filepath.Join(v.dir, sub)
		if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s on itself: %w", dir, err)
		}
		if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			return errors.Join(fmt.Errorf("make %s read-only: %w", dir, err), syscall.Unmount(dir, syscall.MNT_DETACH))
		}
	}
	return nil
}

func (v *volume) unprotect() error { return enginetest.UnmountBelow(v.dir) }

// plant leaves files as a crash, a full disk or a person may. RQD has to get over them.
func (v *volume) plant() error {
	v.seen++
	var errs []error
	for _, sub := range []string{"frames", "outbox"} {
		dir := filepath.Join(v.dir, sub)
		name := func(what, suffix string) string {
			return filepath.Join(dir, fmt.Sprintf("%s%s-%d.%s", planted, what, v.seen, suffix))
		}
		for path, text := range map[string][]byte{
			name("empty", "json"):    nil,
			name("random", "json"):   bytes.Repeat([]byte{0xff, 0, '{'}, 300),
			name("half", "json"):     v.half(dir),
			name("future", "json"):   []byte(`{"version":99,"frame":{"frame_id":"x"},"token":"t","container":"c"}`),
			name("unwritten", "tmp"): []byte(`{"version":1,"fra`),
			name("foreign", "txt"):   []byte("what is this?\n"),
		} {
			errs = append(errs, os.WriteFile(path, text, 0o600))
		}
	}
	return errors.Join(errs...)
}

// half is the first half of a document that is there, if there is one.
func (v *volume) half(dir string) []byte {
	files, _ := filepath.Glob(filepath.Join(dir, "*.json")) // The pattern is good.
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && len(text) > 1 && !strings.HasPrefix(filepath.Base(f), planted) {
			return text[:len(text)/2]
		}
	}
	return []byte(`{"version":1,"frame":{"frame_id":`)
}

// leftovers lists what is on the volume beside what was planted.
func (v *volume) leftovers() []string {
	var left []string
	for _, sub := range []string{"frames", "outbox"} {
		entries, err := os.ReadDir(filepath.Join(v.dir, sub))
		if err != nil {
			left = append(left, err.Error())
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), planted) {
				left = append(left, sub+"/"+e.Name())
			}
		}
	}
	return left
}
