package rqlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rqdswarm/rqdcore/frame"
)

const (
	lastRotation   = 15 // The 17th run and all later ones overwrite it, as people are used to.
	modeLog        = 0o666
	modeLeaf       = 0o777
	createAttempts = 3
)

var (
	// errNotRegular is something else than a file where the rqlog should be.
	errNotRegular = errors.New("not a regular file")
	// errComesBack is a log that somebody else makes at the same time.
	errComesBack = errors.New("another process makes the log again")
)

// Request says which rqlog to open and for whom.
type Request struct {
	Path   string // Absolute; see Path.
	UID    int    // The artist's, for file systems that refuse root (root_squash); 0 is nobody.
	GID    int
	Groups []int // The artist's supplementary groups.
}

// Path is where the frame's rqlog lies. CueGUI, CueWeb and pycue compute the same. No name
// leads out of the log directory: a slash in it becomes an underscore.
func Path(f frame.Frame) string {
	return filepath.Join(f.LogDir, strings.ReplaceAll(f.LogFile(), "/", "_"))
}

// Create rotates an older log away and makes a new, empty one, open for appending. It makes
// the directory if there is none. What root may not do is done as the artist. Its errors are
// *OpenError. It may hang with its file system: see Guard.
func Create(r Request) (*os.File, error) { return perform(r, create) }

// Reopen opens the log for appending without rotation: for the footer, after an adoption, or
// when a descriptor went stale. A log that vanished is made again. Errors and hangs are as with Create.
func Reopen(r Request) (*os.File, error) { return perform(r, reopen) }

func perform(r Request, op func(path string) (*os.File, error)) (*os.File, error) {
	if !filepath.IsAbs(r.Path) {
		return nil, &OpenError{Path: r.Path, Problem: "the log directory must be an absolute path", Err: fs.ErrInvalid}
	}
	f, err := op(r.Path)
	if r.mayBeArtist(err) {
		f, err = asArtist(r, op)
	}
	if err != nil {
		return nil, explain(r, err)
	}
	return f, nil
}

func create(path string) (*os.File, error) {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	var err error
	for range createAttempts { // A look at a network directory may be out of date: the open is the truth.
		if err = rotate(path); err != nil {
			return nil, err
		}
		var f *os.File
		if f, err = openLog(path, unix.O_EXCL); !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("%w: %w", errComesBack, err)
}

func reopen(path string) (*os.File, error) {
	f, err := openLog(path, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return openLog(path, 0)
}

// makeDir makes the directory and what is above it; the leaf is open to everybody, because
// other hosts and the artist write there too.
func makeDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: dir, Err: unix.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(dir, modeLeaf); err != nil {
		return err
	}
	// Who lost a race against another host's mkdir may not chmod; what counts is whether the log opens.
	_ = os.Chmod(dir, modeLeaf)
	return nil
}

// rotate renames an existing log to the smallest free number. CueGUI hides all old logs when
// one of their suffixes is no number, so there are no others.
func rotate(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	n := 1
	for ; n < lastRotation; n++ {
		if _, err := os.Lstat(path + "." + strconv.Itoa(n)); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return err
		}
	}
	return os.Rename(path, path+"."+strconv.Itoa(n))
}

// openLog opens the file itself, never through a symbolic link and never a device or a pipe:
// the directory is open to everybody and this is root.
func openLog(path string, extra int) (*os.File, error) {
	flags := unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK | extra
	fd, err := unix.Open(path, flags, modeLog)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(path, flags, modeLog)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if err := prepare(fd); err != nil {
		_ = unix.Close(fd) // Nothing was written.
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func prepare(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errNotRegular
	}
	if st.Mode&modeLog != modeLog {
		_ = unix.Fchmod(fd, modeLog) // The log of another owner is as good, as long as it can be written.
	}
	return unix.SetNonblock(fd, false) // It only kept the open from waiting for a pipe's reader.
}
