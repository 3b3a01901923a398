package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// follower copies an rqlog as it grows, from wherever minicue runs. RQD rotates the log of an
// earlier run away and a retry's too, so a new file begins at its first line.
type follower struct {
	path string
	out  io.Writer
	old  os.FileInfo // What lay there before the job; nil for nothing.
	file *os.File
	err  error // Why the log cannot be read.
}

// newFollower is made before the job is submitted: a quick frame may be over when submit returns.
// A path that is not known yet belongs to a directory of the job's own, where nothing lies.
func newFollower(path string, out io.Writer) *follower {
	f := &follower{path: path, out: out}
	f.old, _ = os.Stat(path)
	return f
}

// poll copies what is new. It never waits for more.
func (f *follower) poll() {
	f.drain()
	now, err := os.Stat(f.path)
	if err != nil {
		f.err = err
		return
	}
	// The time is compared too: a file that is gone leaves its inode number to the next one.
	if f.file == nil && f.old != nil && os.SameFile(f.old, now) && f.old.ModTime().Equal(now.ModTime()) {
		return
	}
	if f.file != nil {
		if open, err := f.file.Stat(); err == nil && os.SameFile(open, now) {
			return
		}
		f.drain() // The rest of the file that was rotated away.
	}
	next, err := os.Open(f.path)
	f.err = err
	if err != nil {
		return
	}
	f.close()
	f.file = next
	f.drain()
}

func (f *follower) drain() {
	if f.file != nil {
		_, _ = io.Copy(f.out, f.file) // A log that cannot be read for a moment is read at the next poll.
	}
}

// unseen says why nothing of the log could be shown; empty when it was.
func (f *follower) unseen() string {
	switch {
	case f.file != nil:
		return ""
	case errors.Is(f.err, fs.ErrNotExist):
		return "not visible from here"
	case f.err != nil:
		return f.err.Error()
	default:
		return "not rewritten by this run"
	}
}

func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close() // Only read.
		f.file = nil
	}
}
