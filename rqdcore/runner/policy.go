package runner

import (
	"strings"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/frame"
)

// Policy is all of the configuration that a frame's container depends on.
type Policy struct {
	HostName   string
	Namespaces Namespaces
	Images     []Image // In the file's order: the first serves frames without an os.
	Mounts     []engine.Mount
	Run        engine.Mount // The run directory, as the frame sees it at wire.MountPoint.
	FrameInit  string       // File name of frameinit in the run directory.
	ShellPath  string       // DOCKER_SHELL_PATH.
	WorkingDir string
	Identity   Identity
	Env        Environment
	Container  Container
	Log        Log

	Lease     time.Duration // FRAME_LEASE_SECONDS; 0 is none.
	KillGrace time.Duration // KILL_GRACE_SECONDS.
}

// Image is one line of [docker.images].
type Image struct {
	OS        string
	Reference string
}

// Namespaces are DOCKER_PID_MODE and DOCKER_NETWORK_MODE.
type Namespaces struct {
	PID     string
	Network string
}

// SharedPID says whether frames share a pid namespace with others; then frameinit is not process 1.
func (n Namespaces) SharedPID() bool {
	return n.PID == "host" || strings.HasPrefix(n.PID, "container:")
}

// Identity decides as whom a frame runs.
type Identity struct {
	DefaultGID int // LAUNCH_FRAME_USER_GID.
	DaemonUID  int // For frames without a usable uid.
	Groups     []int
	Nice       int
}

// Container is what [docker.config] adds to a frame's container.
type Container struct {
	Privileged  bool
	GPUs        bool // DOCKER_GPU_MODE: frames get the cards they are booked for.
	CapAdd      []string
	SecurityOpt []string
	Devices     []engine.Device
	Ulimits     []engine.Ulimit
	ExtraHosts  []string
	DNS         []string
	Tmpfs       map[string]string
	ShmSize     int64 // Bytes; 0 is the frame's hard limit.
}

// Log is how the rqlog is written.
type Log struct {
	Timestamps bool           // RQD_PREPEND_TIMESTAMP.
	Location   *time.Location // Whose time the timestamps show: RQD's.
	MaxBytes   int64          // JOB_LOG_MAX_SIZE_IN_BYTES; 0 is no limit.
}

// uid window of contract with studios' user directories: below are system accounts, above are nobody's.
const (
	lowestUID  = 1000
	highestUID = 60000
)

// user is as whom f runs: the one that Cuebot named, or daemon. The rqlog's header says which.
func (i Identity) user(f frame.Frame) (uid, gid int) {
	gid = i.DefaultGID
	if f.GID > 0 {
		gid = int(f.GID)
	}
	if f.UID != nil && *f.UID >= lowestUID && *f.UID <= highestUID {
		return int(*f.UID), gid
	}
	return i.DaemonUID, gid
}
