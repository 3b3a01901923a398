package rqlog

import (
	"time"

	"rqdswarm/rqdcore/frame"
)

// HeaderInfo is what stands above the command's output.
type HeaderInfo struct {
	Frame        frame.Frame
	HostName     string            // As reported to Cuebot.
	LogPath      string            // The whole path of this file.
	FrameTempDir string            // Printed as cwd; nothing is made there.
	Environment  map[string]string // Complete, as the command gets it from RQD.
	Now          time.Time         // Printed in its own zone, which should be RQD's.
	Image        string
	Shell        string // DOCKER_SHELL_PATH.
	UID          int    // What the command really runs as, where and with what.
	GID          int
	WorkingDir   string
	CPUs         []int // Logical CPUs that the frame is pinned to; none when it is not.
	GPUMode      bool  // DOCKER_GPU_MODE.
}

// Header is the text above the output, ending in a newline.
func Header(h HeaderInfo) []byte { return nil }

// Started is the line that ends the header: the container runs.
func Started(f frame.Frame, containerID string) []byte { return nil }

// Notice is one line of RQD's own between the output lines.
func Notice(text string) []byte { return nil }
