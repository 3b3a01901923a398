package rqlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// OpenError is a rqlog that could not be opened, in words for the artist. It wraps the kernel's error.
type OpenError struct {
	Path    string
	Problem string
	Err     error
}

func (e *OpenError) Error() string { return fmt.Sprintf("rqlog %s: %s", e.Path, e.Problem) }

func (e *OpenError) Unwrap() error { return e.Err }

func explain(r Request, err error) error {
	return &OpenError{Path: r.Path, Problem: problem(r, err), Err: err}
}

func problem(r Request, err error) string {
	dir, name := filepath.Split(r.Path)
	dir = filepath.Clean(dir)
	is := func(errno error) bool { return errors.Is(err, errno) }
	switch {
	case is(errComesBack):
		return errComesBack.Error() + " as often as RQD rotates it away: the frame runs twice, or its job name is in use"
	case is(unix.ENOTDIR):
		return fmt.Sprintf("%s is a file, not a directory", obstacle(dir))
	case is(unix.EEXIST):
		return fmt.Sprintf("%s exists, but is no directory", inTheWay(err, dir))
	case is(unix.EROFS):
		return fmt.Sprintf("the file system of %s is read-only", dir)
	case is(unix.ENOSPC):
		return fmt.Sprintf("no space left on the file system of %s", dir)
	case is(unix.EDQUOT):
		return fmt.Sprintf("the disk quota for %s is used up", dir)
	case is(fs.ErrPermission):
		return fmt.Sprintf("permission denied in %s for %s", dir, r.tried())
	case is(unix.ENAMETOOLONG):
		return fmt.Sprintf("the name is too long: %d bytes and up to 3 for a rotated log's number, where file systems take 255", len(name))
	case is(unix.ELOOP):
		return "it is a symbolic link, which RQD does not follow, or its directory is a circle of them"
	case is(errNotRegular), is(unix.ENXIO), is(unix.EISDIR):
		return "it is not a regular file"
	case is(unix.ESTALE):
		return fmt.Sprintf("%s is a stale file handle: it was removed on, or exported anew by, its file server", dir)
	case strings.ContainsRune(r.Path, 0):
		return "the path contains a NUL byte"
	}
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return fmt.Sprintf("%s: %v", path.Op, path.Err)
	}
	return err.Error()
}

// tried names who was refused.
func (r Request) tried() string {
	uid := os.Geteuid()
	if uid == 0 && r.hasArtist() {
		return fmt.Sprintf("RQD (uid 0) and for the artist (uid %d, gid %d)", r.UID, r.GID)
	}
	return fmt.Sprintf("RQD (uid %d)", uid)
}

// inTheWay is what the failed call worked on: a broken symbolic link, as a rule.
func inTheWay(err error, otherwise string) string {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Path
	}
	return otherwise
}

// obstacle is the first part of the path, from above, that is no directory.
func obstacle(dir string) string {
	for i := 1; i < len(dir); i++ {
		if dir[i] != filepath.Separator {
			continue
		}
		if info, err := os.Stat(dir[:i]); err == nil && !info.IsDir() {
			return dir[:i]
		}
	}
	return dir
}
