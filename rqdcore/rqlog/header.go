package rqlog

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	Image        string            // This and what follows is what really happens; left out where it is not known.
	Shell        string            // DOCKER_SHELL_PATH.
	UID          int
	GID          int
	WorkingDir   string
	CPUs         []int // Logical CPUs that the frame is pinned to; none when it is not.
	GPUMode      bool  // DOCKER_GPU_MODE.
}

// Header is the text above the output. People and scripts grep it: labels, widths and order
// are the Python RQD's. What that had wrong (uid, gid, cwd) stays in its place and the truth follows below.
func Header(h HeaderInfo) []byte {
	b := &bytes.Buffer{}
	fmt.Fprintln(b, lineOfLimit)
	fmt.Fprintf(b, "%-*s%s \n\n", headerWidth, "RenderQ JobSpec", h.Now.Format(time.ANSIC))
	h.ordered(b)
	h.effective(b)
	fmt.Fprintln(b, lineOfLimit)
	if len(h.CPUs) > 0 {
		fmt.Fprintln(b, "Hyper-threading enabled")
	}
	h.dockerLines(b)
	return b.Bytes()
}

// ordered writes what Cuebot asked for.
func (h HeaderInfo) ordered(b *bytes.Buffer) {
	f := h.Frame
	for _, line := range [][2]string{
		// Port and form are those of a protocol long gone; only the frame's id has a meaning.
		{"proxy", fmt.Sprintf("rqd.rqnetwork.RunningFrame/%s -t:tcp -h %s -p 10021", f.ID, h.HostName)},
		{"command", f.Command},
		{"uid", strconv.Itoa(orderedUID(f))},
		{"gid", strconv.Itoa(int(f.GID))},
		{"logDestination", h.LogPath},
		{"cwd", h.FrameTempDir},
		{"renderHost", h.HostName},
		{"jobId", f.JobID},
		{"frameId", f.ID},
	} {
		field(b, headerWidth, line[0], line[1])
	}
	for _, name := range slices.Sorted(maps.Keys(h.Environment)) {
		field(b, headerWidth, "env", name+"="+h.Environment[name])
	}
}

func (h HeaderInfo) effective(b *bytes.Buffer) {
	if h.Image != "" {
		field(b, headerWidth, "image", h.Image)
	}
	if h.UID != 0 {
		field(b, headerWidth, "effectiveUid", strconv.Itoa(h.UID))
		field(b, headerWidth, "effectiveGid", strconv.Itoa(h.GID))
	}
	if h.WorkingDir != "" {
		field(b, headerWidth, "workingDir", h.WorkingDir)
	}
}

// dockerLines writes the lines between header and output. The Python RQD's first line of
// output, a pid, is gone; its wrapper's text has become the one command that runs.
func (h HeaderInfo) dockerLines(b *bytes.Buffer) {
	f := h.Frame
	if uid := orderedUID(f); h.UID != 0 && uid != h.UID {
		why := fmt.Sprintf("The job's uid %d is outside the range for frames", uid)
		if f.UID == nil {
			why = "The job has no uid"
		}
		fmt.Fprintf(b, "%s: this frame runs as uid %d, gid %d\n", why, h.UID, h.GID)
	}
	if h.Shell != "" {
		fmt.Fprintf(b, "DOCKER_ENTRYPOINT = %s -c %s\n", shellWord(h.Shell), shellWord(f.Command))
	}
	if h.GPUMode {
		fmt.Fprintln(b, "GPU_MODE activated")
	}
}

// orderedUID is the uid as the Python RQD printed it: 0 for a job without one.
func orderedUID(f frame.Frame) int {
	if f.UID == nil {
		return 0
	}
	return int(*f.UID)
}

// Started is the line between header and output that says in which container the frame runs.
func Started(f frame.Frame, containerID string) []byte {
	const short = 12
	id := containerID[:min(short, len(containerID))]
	return Notice(fmt.Sprintf("Container %s started for %s.%s(%s)", id, f.JobName, f.Name, f.ID))
}

// Notice is text of RQD's own as exactly one line, to stand anywhere between the output's lines.
func Notice(text string) []byte { return append([]byte(oneLine(text)), '\n') }
