// Package wire is the protocol between frameinit, process 1 of every frame container, and rqdcore.
//
// It runs over one unix stream socket: each message is a 4-byte big-endian length and that
// many bytes of JSON, a Message with exactly one field set. The descriptor of the rqlog
// travels as SCM_RIGHTS with the first byte of the Order or Log message that it belongs to.
//
// An old frameinit meets a new rqdcore after every upgrade, and a new one an old rqdcore after a
// rollback. Fields may be added; a field's meaning never changes. What cannot be said that way
// raises Version, and both sides speak every version from MinVersion on.
package wire

import "time"

// SocketName is the socket's file name in the run directory, which a frame sees at MountPoint.
const (
	SocketName = "rqd.sock"
	MountPoint = "/.rqd"
)

// AlivePeriod is how often rqdcore sends Alive.
const AlivePeriod = 30 * time.Second

// TokenEnv is the variable of the container's definition that carries the frame's token.
// frameinit removes it before the command runs, and the artist cannot read process 1's environment.
const TokenEnv = "RQD_FRAME_TOKEN"

// Message is the envelope; exactly one field is set. None is set in a message that only a
// newer peer knows: the receiver passes over it.
type Message struct {
	// From frameinit.
	Hello   *Hello   `json:"hello,omitempty"`
	Started *Started `json:"started,omitempty"`
	Figures *Figures `json:"figures,omitempty"`
	NeedLog *NeedLog `json:"need_log,omitempty"`
	Exit    *Exit    `json:"exit,omitempty"`
	// From rqdcore.
	Order *Order `json:"order,omitempty"`
	Log   *Log   `json:"log,omitempty"`
	Kill  *Kill  `json:"kill,omitempty"`
	Ack   *Ack   `json:"ack,omitempty"`
	Alive *Alive `json:"alive,omitempty"`
}

// Hello is the first message of every connection.
type Hello struct {
	Version int      `json:"version"`          // The newest that it speaks.
	Oldest  int      `json:"oldest,omitempty"` // The oldest that it speaks; 0 is Version.
	Token   string   `json:"token"`
	Build   string   `json:"build"`
	Phase   Phase    `json:"phase"`
	Started *Started `json:"started,omitempty"` // Set from PhaseRunning on.
	Figures *Figures `json:"figures,omitempty"` // The newest, with the peaks so far.
	Exit    *Exit    `json:"exit,omitempty"`    // Set in PhaseExited.
}

// Phase is where the frame's command is in its life.
type Phase string

// The phases of a command.
const (
	PhaseWaiting Phase = "waiting" // No order yet.
	PhaseRunning Phase = "running"
	PhaseExited  Phase = "exited" // The record is in Hello.Exit.
)

// Order tells frameinit what to run, as whom, and where its output goes. The rqlog's descriptor comes with it.
type Order struct {
	Image           string            `json:"image"` // For messages to the artist.
	Shell           string            `json:"shell"` // DOCKER_SHELL_PATH; runs as `shell -c command`.
	Command         string            `json:"command"`
	Environment     map[string]string `json:"environment"` // Laid over the image's own.
	WorkingDir      string            `json:"working_dir"`
	UserName        string            `json:"user_name"`
	UID             int               `json:"uid"` // Never 0.
	GID             int               `json:"gid"` // Never 0.
	Groups          []int             `json:"groups,omitempty"`
	Capabilities    uint64            `json:"capabilities,omitempty"` // By the kernel's numbers; an older frameinit gives the command none.
	Home            string            `json:"home"`
	Nice            int               `json:"nice,omitempty"`
	Timestamps      bool              `json:"timestamps,omitempty"`    // RQD_PREPEND_TIMESTAMP.
	Zone            Zone              `json:"zone,omitzero"`           // Whose time the timestamps show; ZoneAt makes it.
	LogPath         string            `json:"log_path,omitempty"`      // Where the rqlog is for people, for messages in it.
	LogMaxBytes     int64             `json:"log_max_bytes,omitempty"` // JOB_LOG_MAX_SIZE_IN_BYTES; 0 is no limit.
	LogBytes        int64             `json:"log_bytes,omitempty"`     // Already in the file: the header counts too.
	LeaseSeconds    int               `json:"lease_seconds,omitempty"` // FRAME_LEASE_SECONDS; 0 is no lease. See Alive.
	KillGraceMillis int               `json:"kill_grace_millis"`       // Between SIGTERM and SIGKILL.
	FiguresMillis   int               `json:"figures_millis"`          // The least time between two figures. See Alive.
}

// Started says that the command runs.
type Started struct {
	PID        int   `json:"pid"`         // In the container's pid namespace.
	UnixMillis int64 `json:"unix_millis"` // Wall clock at the start.
}

// Figures are measurements of the whole container; sizes in KiB, times in milliseconds.
type Figures struct {
	RSS          int64     `json:"rss"` // Anonymous and shared memory in use: never page cache.
	MaxRSS       int64     `json:"max_rss"`
	VSize        int64     `json:"vsize"`
	MaxVSize     int64     `json:"max_vsize"`
	Swap         int64     `json:"swap"`
	UserMillis   int64     `json:"user_millis"`
	SystemMillis int64     `json:"system_millis"`
	OOMKills     int64     `json:"oom_kills"`
	LogBytes     int64     `json:"log_bytes"` // Written to the rqlog by frameinit.
	LogLost      int64     `json:"log_lost"`  // Dropped while the log could not be written.
	Processes    []Process `json:"processes,omitempty"`
}

// Process is one live process in the container.
type Process struct {
	PID        int    `json:"pid"`
	Name       string `json:"name"`
	State      string `json:"state"`
	RSS        int64  `json:"rss"`   // KiB.
	VSize      int64  `json:"vsize"` // KiB.
	Cmdline    string `json:"cmdline"`
	UnixMillis int64  `json:"unix_millis"` // When it started.
}

// NeedLog asks for a fresh descriptor of the rqlog: the old one went stale.
type NeedLog struct {
	Reason string `json:"reason"`
}

// Cause is why a frame ended, as far as frameinit can know.
type Cause string

// The causes.
const (
	CauseExit     Cause = "exit"      // The command ended by itself.
	CauseKill     Cause = "kill"      // rqdcore asked for it.
	CauseLogLimit Cause = "log_limit" // The rqlog reached LogMaxBytes.
	CauseLaunch   Cause = "launch"    // The command could not be started; Detail says why.
	CauseLease    Cause = "lease"     // No rqdcore for LeaseSeconds.
	CauseSignal   Cause = "signal"    // A SIGTERM or SIGINT that rqdcore did not announce: the infrastructure's.
)

// Exit is the record of how the command ended. frameinit sends it after the last byte of the
// log is written, or given up, and prints it as one line of JSON on its standard output.
type Exit struct {
	Cause      Cause   `json:"cause"`
	Code       int     `json:"code"`             // The command's exit code; 0 when a signal ended it.
	Signal     int     `json:"signal,omitempty"` // The signal that ended it.
	Detail     string  `json:"detail,omitempty"`
	UnixMillis int64   `json:"unix_millis"`
	RunMillis  int64   `json:"run_millis"` // By the monotonic clock.
	Figures    Figures `json:"figures"`
}

// Log brings a fresh descriptor of the rqlog.
type Log struct {
	LogBytes int64 `json:"log_bytes"` // Already in the file.
}

// Kill ends the frame: SIGTERM to all of it, SIGKILL after the grace, then the record.
type Kill struct {
	GraceMillis int `json:"grace_millis"`
}

// Ack says that the record is safe with rqdcore.
type Ack struct{}

// Alive renews the frame's lease, as every message of rqdcore does. It is sent as soon as a
// Hello was accepted and every AlivePeriod from then on: a connection alone proves nothing,
// the other end may be stopped, or may not know this frame. A running frame answers it with
// figures: they come at least so often, and before that when its memory moves.
type Alive struct{}
