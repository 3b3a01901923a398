package rqlog

import (
	"errors"
	"os"
	"path/filepath"

	"rqdswarm/rqdcore/frame"
)

// Request says which rqlog to open and for whom.
type Request struct {
	Path   string // Absolute; see Path.
	UID    int    // The artist's, for file systems that refuse root (root_squash); 0 is nobody.
	GID    int
	Groups []int // The artist's supplementary groups.
}

// Path is where the frame's rqlog lies. CueGUI, CueWeb and pycue compute the same.
func Path(f frame.Frame) string { return filepath.Join(f.LogDir, f.LogFile()) }

// Create rotates an older log away and makes a new, empty one, open for appending. It makes
// the directory if there is none. What root may not do is done as the artist. It may hang with its file system.
func Create(r Request) (*os.File, error) { return nil, errors.ErrUnsupported }

// Reopen opens the log for appending without rotation: for the footer, after an adoption, or
// when a descriptor went stale. A log that vanished is made again. It may hang with its file system.
func Reopen(r Request) (*os.File, error) { return nil, errors.ErrUnsupported }
