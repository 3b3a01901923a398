// Package initbin carries frameinit inside of rqdcore and puts it where the frames see it.
package initbin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// files holds bin/frameinit after `make build`. A fresh clone has bin/.gitignore only, so that it compiles.
//
//go:embed all:bin
var files embed.FS

// ErrMissing is a build of rqdcore without its frameinit.
var ErrMissing = errors.New("initbin: this rqdcore was built without frameinit: run `make build`")

const (
	prefix = "frameinit-"
	// unfinished is the pattern of what replace leaves when it dies.
	unfinished = ".frameinit-*"
)

// Binary is the frameinit that belongs to this rqdcore.
func Binary() ([]byte, error) { return binary(files) }

func binary(files fs.FS) ([]byte, error) {
	text, err := fs.ReadFile(files, "bin/frameinit")
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		return nil, ErrMissing
	}
	return text, err
}

// Install makes sure that dir has this rqdcore's frameinit and returns its name there. The
// name holds a hash: frames of an earlier RQD go on with the file that they were started from.
func Install(dir string) (name string, err error) {
	text, err := Binary()
	if err != nil {
		return "", err
	}
	name, err = install(dir, text)
	if err != nil {
		return "", fmt.Errorf("install frameinit: %w", err)
	}
	return name, nil
}

func install(dir string, text []byte) (string, error) {
	sum := sha256.Sum256(text)
	name := prefix + hex.EncodeToString(sum[:6])
	path := filepath.Join(dir, name)
	if intact(path, text) {
		return name, nil
	}
	return name, replace(path, text)
}

// intact says whether path can be used as it is; a crash may have left half of it.
func intact(path string, text []byte) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o755 || info.Size() != int64(len(text)) {
		return false
	}
	have, err := os.ReadFile(path)
	return err == nil && bytes.Equal(have, text)
}

// replace puts text at path without anybody seeing a part of it. A running frameinit keeps its old file.
func replace(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), unfinished)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o755), f.Sync(), f.Close()) // Closed for writing, or it could not be executed.
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Prune deletes the frameinits in dir but those that are used, and says which. What is running
// keeps its file anyhow; what was created and not started yet would not find it.
func Prune(dir string, used []string) (removed []string, err error) {
	for _, pattern := range []string{prefix + "*", unfinished} {
		files, globErr := filepath.Glob(filepath.Join(dir, pattern))
		err = errors.Join(err, globErr)
		for _, file := range files {
			name := filepath.Base(file)
			if slices.Contains(used, name) {
				continue
			}
			if gone := os.Remove(file); gone != nil {
				err = errors.Join(err, gone)
				continue
			}
			removed = append(removed, name)
		}
	}
	return removed, err
}
