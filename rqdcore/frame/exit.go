package frame

import (
	"fmt"
	"time"
)

// Reason is why a frame ended, in the words that decide what Cuebot is told.
type Reason string

// The reasons. Each has one row in Exit.Status.
const (
	ReasonExit     Reason = "exit"      // The command ended by itself, well or not.
	ReasonKilled   Reason = "killed"    // Cuebot, or a person through it, asked for the end.
	ReasonLogLimit Reason = "log_limit" // The rqlog reached JOB_LOG_MAX_SIZE_IN_BYTES.
	ReasonLaunch   Reason = "launch"    // The command never ran.
	ReasonLost     Reason = "lost"      // The infrastructure ended it, or nobody knows how it ended.
)

// Exit statuses with a meaning at Cuebot (FrameExitStatus and its dispatcher's constants).
const (
	StatusOutOfMemory  int32 = 137 // Retried without limit, with more memory each time.
	StatusFailedLaunch int32 = 256 // WAITING again without using up a retry; the proc is given up.
	StatusLogLimit     int32 = 287 // An ordinary failure; the number is for people.
)

// statusKilled and signalKilled tell Cuebot of a killed frame: an ordinary failure, never the
// 137 that Cuebot takes for a lack of memory.
const (
	statusKilled int32 = 1
	signalKilled int32 = 9
)

// Exit is how a frame ended. There is one for every frame that was accepted.
type Exit struct {
	Reason   Reason        `json:"reason"`
	Code     int           `json:"code"`
	Signal   int           `json:"signal,omitempty"`
	OOMKills int64         `json:"oom_kills,omitempty"` // Processes of the frame that the kernel killed for memory.
	Detail   string        `json:"detail,omitempty"`    // For people, in the rqlog's footer.
	Ended    time.Time     `json:"ended"`
	RunTime  time.Duration `json:"run_time"`
	Figures  Figures       `json:"figures"`
}

// Status maps the end to the pair (exit_status, exit_signal) that Cuebot decides by.
//
// A lack of memory is told from the cgroup's own counter, and only when the frame failed: a
// frame that survives a child's death and exits 0 succeeded. A shell's 137 without that
// counter is somebody's SIGKILL and is reported as one.
func (e Exit) Status() (status, signal int32) {
	switch e.Reason {
	case ReasonKilled:
		return statusKilled, signalKilled
	case ReasonLogLimit:
		return StatusLogLimit, 0
	case ReasonLaunch, ReasonLost:
		return StatusFailedLaunch, 0
	}
	failed := e.Code != 0 || e.Signal != 0
	switch {
	case failed && e.OOMKills > 0:
		return StatusOutOfMemory, 0
	case e.Signal != 0:
		return statusKilled, int32(e.Signal) // #nosec G115 -- a signal number is below 65.
	case e.Code == int(StatusOutOfMemory):
		return statusKilled, signalKilled
	}
	return int32(e.Code), 0 // #nosec G115 -- an exit code is below 256.
}

// Failure is an Exit of a frame whose command never ran.
func Failure(reason Reason, at time.Time, format string, args ...any) Exit {
	return Exit{Reason: reason, Detail: fmt.Sprintf(format, args...), Ended: at}
}

// Reservation is what the host set aside for a frame. CPU_LIST and GPU_LIST in the reported
// attributes are its text form.
type Reservation struct {
	Cores CorePoints `json:"cores"`
	CPUs  []int      `json:"cpus,omitempty"` // Logical CPUs the frame is pinned to; none when it is not.
	GPUs  []int      `json:"gpus,omitempty"`
}
