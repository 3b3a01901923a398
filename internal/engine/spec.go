package engine

import "time"

// Spec describes a container to create. The zero value of a field leaves the engine's default.
type Spec struct {
	Name       string
	Image      string
	Hostname   string
	Domainname string
	User       string   // "uid:gid" or a name known to the image.
	Groups     []string // Further groups of process 1, by number or name.
	Entrypoint []string
	Cmd        []string
	Env        []string // NAME=value; merged by the engine over the image's own.
	WorkingDir string
	Labels     map[string]string
	StopSignal string // Set here because StopOptions.Signal is dropped below API 1.42.
	// DisableHealthcheck turns the image's own check off: in a frame it would run inside the render.
	DisableHealthcheck bool
	Health             *HealthCheck // Changes the image's own check; nil leaves it.
	// Init puts the engine's small init before the program as process 1; nil is the engine's default.
	Init    *bool
	Runtime string // The OCI runtime by the engine's name for it.
	Mounts  []Mount
	// VolumesFrom are containers whose mounts are taken over, as docker run's --volumes-from takes them.
	VolumesFrom []string
	// VolumeDriver makes the volumes of mounts with CreateSource.
	VolumeDriver string
	StorageOpt   map[string]string // Of the container's own layer.
	Privilege
	Namespaces
	Limits
	GPUs    []GPURequest
	Devices []Device
	Ports   []Port
	Expose  []string // Ports, or ranges of them, that PublishAllPorts publishes.
	// PublishAllPorts publishes every exposed port at a free port of the host.
	PublishAllPorts bool
	Endpoint        Endpoint
	DNS             []string
	DNSOptions      []string
	DNSSearch       []string
	ExtraHosts      []string // "name:address".
	Tmpfs           map[string]string
	Log             LogConfig
}

// HealthCheck changes the image's own check. The zero value of a field leaves what the image says.
type HealthCheck struct {
	Command       string // For the image's shell.
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration // Engines before 25.0 refuse it.
	Retries       int
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
	// Sysctls are kernel settings of the container's namespaces.
	Sysctls map[string]string
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
	// CreateSource makes a missing source directory, as docker run's -v does and --mount does not. A volume is then made by
	// the Spec's VolumeDriver.
	CreateSource bool
	// Relabel is "z" or "Z": the engine gives the source an SELinux label. With CreateSource only.
	Relabel   string
	NoCopy    bool // A new volume is not filled with what the image has at the target.
	Volume    *VolumeOptions
	Recursion BindRecursion
	TmpfsSize int64  // Bytes; tmpfs only.
	TmpfsMode uint32 // tmpfs only.
}

// VolumeOptions say how a volume is made that is not there yet.
type VolumeOptions struct {
	Driver        string
	DriverOptions map[string]string
	Labels        map[string]string
}

// BindRecursion says what becomes of mounts below a bind's source. The zero value is what the engine does by default.
type BindRecursion string

// What may be asked for; Docker's words.
const (
	RecursionDisabled BindRecursion = "disabled" // They are not there.
	RecursionWritable BindRecursion = "writable" // They stay writable in a read-only bind.
	RecursionReadOnly BindRecursion = "readonly" // They are read-only, or the container does not start.
)

// GPURequest asks for graphics cards through the engine's device requests.
type GPURequest struct {
	Driver       string
	Count        int // -1 is all; 0 when IDs are given.
	IDs          []string
	Capabilities []string
	Options      map[string]string
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

// Endpoint is the container's place in its network. All but the MAC address need a network that somebody made.
type Endpoint struct {
	Aliases       []string
	Links         []string
	IPv4          string
	IPv6          string
	LinkLocal     []string
	MAC           string
	DriverOptions map[string]string
	Priority      int // Of its gateway; engines before 28.0 ignore it.
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
	Cmd        []string
	State      State
	Health     string // "", "starting", "healthy" or "unhealthy".
	PID        int    // Of its process 1 in the engine's pid namespace; 0 when not running.
	ExitCode   int
	OOMKilled  bool
	Error      string // Why the last start failed.
	Created    time.Time
	StartedAt  time.Time
	FinishedAt time.Time // Of the run before while it runs again. Of a very short run it may be before StartedAt: two processes take these times.
	Mounts     []Mount
	Namespaces
	Privileged bool
	// StopTimeout is what a stop without a grace of its own gives it; 0 is the engine's default of ten seconds.
	StopTimeout time.Duration
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
