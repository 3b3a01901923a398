package engine

import "time"

// Spec describes a container to create. The zero value of a field leaves the engine's default.
type Spec struct {
	Name       string
	Image      string
	Hostname   string
	User       string // "uid:gid" or a name known to the image.
	Entrypoint []string
	Cmd        []string
	Env        []string // NAME=value; merged by the engine over the image's own.
	WorkingDir string
	Labels     map[string]string
	StopSignal string // Set here because StopOptions.Signal is dropped below API 1.42.
	// DisableHealthcheck turns the image's own check off: in a frame it would run inside the render.
	DisableHealthcheck bool
	Mounts             []Mount
	Privilege
	Namespaces
	Limits
	GPUs       []GPURequest
	Devices    []Device
	Ports      []Port
	DNS        []string
	DNSOptions []string
	DNSSearch  []string
	ExtraHosts []string // "name:address".
	Tmpfs      map[string]string
	Log        LogConfig
}

// Privilege is what a container may do beyond an ordinary process.
type Privilege struct {
	Privileged      bool
	CapAdd          []string // Without the CAP_ prefix, or "ALL".
	CapDrop         []string
	SecurityOpt     []string // As docker run's --security-opt; seccomp takes the profile's text, not its path.
	NoNewPrivileges bool
	ReadonlyRootfs  bool
	// DeviceCgroupRules permit device nodes by number, as docker run's --device-cgroup-rule.
	DeviceCgroupRules []string
}

// Namespaces are the kernel namespaces a container shares; values as docker run's flags take them.
type Namespaces struct {
	PIDMode      string
	NetworkMode  string
	IPCMode      string
	UTSMode      string
	UsernsMode   string
	CgroupnsMode string
}

// Limits bound what a container may use.
type Limits struct {
	Memory            int64 // Bytes; 0 is no limit.
	MemoryReservation int64 // Bytes.
	MemorySwap        int64 // Bytes of memory and swap together; -1 is no limit, 0 the engine's default (twice the memory).
	NanoCPUs          int64
	CPUShares         int64
	CPUSet            string // For example "0,1" or "0-3".
	PidsLimit         int64
	ShmSize           int64 // Bytes.
	OOMScoreAdj       int
	Ulimits           []Ulimit
}

// Ulimit is one resource limit of the container's processes.
type Ulimit struct {
	Name string // As in docker run: "nofile", "memlock", …
	Soft int64
	Hard int64
}

// MountType is the kind of a Mount.
type MountType string

// The kinds of mounts that the engine knows on Linux.
const (
	MountBind   MountType = "bind"
	MountVolume MountType = "volume"
	MountTmpfs  MountType = "tmpfs"
)

// Mount is one file system that the container sees.
type Mount struct {
	Type        MountType
	Source      string // Host path for a bind; name for a volume, empty for an anonymous one.
	Target      string
	ReadOnly    bool
	Propagation string // "slave", "rslave", "private", …; binds only.
	// CreateSource makes a missing source directory, as docker run's -v does and --mount does not.
	CreateSource bool
	TmpfsSize    int64  // Bytes; tmpfs only.
	TmpfsMode    uint32 // tmpfs only.
}

// GPURequest asks for graphics cards through the engine's device requests.
type GPURequest struct {
	Driver       string
	Count        int // -1 is all; 0 when IDs are given.
	IDs          []string
	Capabilities []string
}

// Device is a host device node that the container gets.
type Device struct {
	HostPath      string
	ContainerPath string
	Permissions   string // "rwm".
}

// Port publishes a container port on the host.
type Port struct {
	HostIP        string
	HostPort      string
	ContainerPort string
	Protocol      string // "tcp" when empty.
}

// LogConfig names the engine's log driver for the container.
type LogConfig struct {
	Driver  string
	Options map[string]string
}

// State is where a container is in its life, in the engine's words.
type State string

// The states the engine reports.
const (
	StateCreated    State = "created"
	StateRunning    State = "running"
	StatePaused     State = "paused"
	StateRestarting State = "restarting"
	StateRemoving   State = "removing"
	StateExited     State = "exited"
	StateDead       State = "dead"
)

// Container is one container as the engine sees it.
type Container struct {
	ID         string // 64 hexadecimal digits.
	Name       string // Without the leading slash.
	Image      string // The reference it was created from.
	ImageID    string
	Hostname   string
	Labels     map[string]string
	Env        []string
	State      State
	Health     string // "", "starting", "healthy" or "unhealthy".
	PID        int    // Of its process 1 in the engine's pid namespace; 0 when not running.
	ExitCode   int
	OOMKilled  bool
	Error      string // Why the last start failed.
	Created    time.Time
	StartedAt  time.Time
	FinishedAt time.Time // Of a very short run it may be before StartedAt: two processes take these times.
	Mounts     []Mount
	Namespaces
	Privileged bool
}

// Image is a local image.
type Image struct {
	ID             string
	Tags           []string
	Digests        []string // name@sha256:…
	Size           int64    // Bytes.
	Labels         map[string]string
	HasHealthcheck bool
	Volumes        []string
	Env            []string
}

// Info is what the engine says of itself and its host.
type Info struct {
	Name           string // The host's name.
	Version        string // For example "20.10.24".
	APIVersion     string // The negotiated one.
	CgroupVersion  int    // 1 or 2.
	DataRoot       string
	Rootless       bool
	UsernsRemap    bool
	NCPU           int
	MemTotal       int64 // Bytes.
	SwarmNodeID    string
	Runtimes       []string
	DefaultRuntime string
}

// PullProgress is one step of a pull, fit for a log line.
type PullProgress struct {
	Layer   string
	Status  string
	Current int64 // Bytes.
	Total   int64 // Bytes; 0 when not known.
}

// RegistryAuth is what a registry wants to see before it serves an image.
type RegistryAuth struct {
	Username      string
	Password      string
	IdentityToken string
	RegistryToken string
	ServerAddress string
}

// File is one file to copy into a container.
type File struct {
	Path    string // Absolute, inside the container; missing parents are made with mode 0755.
	Mode    uint32
	UID     int
	GID     int
	Content []byte
}

// Event is a hint that something happened to a container.
type Event struct {
	ID     string
	Name   string
	Action string // "create", "start", "die", "destroy", "oom", "rename", "health_status: healthy", …
	Labels map[string]string
	Time   time.Time
}

// LogOptions choose what Logs delivers.
type LogOptions struct {
	Since  time.Time // Zero is from the beginning.
	Tail   int       // 0 is everything.
	Follow bool
	// Cursor carries on where an earlier call with it was cut, and Since and Tail count for the
	// first call only. Nil delivers what Since and Tail say.
	Cursor *LogCursor
}

// LogLine is one line of a container's output, without its newline.
type LogLine struct {
	Time   time.Time // The engine's, to the nanosecond.
	Stderr bool
	Text   []byte
}
