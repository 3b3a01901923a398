package config

import (
	"time"

	"rqdswarm/internal/engine"
)

// Config is everything that rqd.conf and the environment decide. A field named after a key
// holds that key's value; the table of keys is Keys.
type Config struct {
	Path string // The file that was read; empty when there is none.

	GRPCPort   int      // RQD_GRPC_PORT.
	CuebotPort int      // CUEBOT_GRPC_PORT; already part of Cuebots.
	Cuebots    []string // host:port, in the order given; never empty.

	HostName         string // OVERRIDE_HOSTNAME; empty asks the machine.
	UseIPAsHostname  bool   // RQD_USE_IP_AS_HOSTNAME.
	UseIPv6          bool   // RQD_USE_IPV6_AS_HOSTNAME.
	NetworkInterface string // RQD_NETWORK_INTERFACE: for the own address and for binding.
	Facility         string // DEFAULT_FACILITY.
	Tags             []string
	Desktop          bool // OVERRIDE_IS_DESKTOP: tag "desktop", frames run nicely.

	OverrideCores  int   // Logical CPUs; 0 is as found.
	OverrideProcs  int   // Sockets; 0 is as found.
	OverrideMemory int64 // KiB; 0 is as found.
	LoadModifier   int   // Added to the reported load.
	GPU            bool

	UserGID           int      // LAUNCH_FRAME_USER_GID: of frames that come without one.
	UsePathEnvVar     bool     // Frames get RQD's PATH instead of the fixed one.
	UseAllHostEnvVars bool     // Always false when HostEnvVars has any.
	HostEnvVars       []string // [UseHostEnvVar].
	HomePrefix        string   // RQD_CUSTOM_HOME_PREFIX.
	MailPrefix        string   // RQD_CUSTOM_MAIL_PREFIX.

	ConsoleLogLevel  string // A name that logging.ParseLevel takes.
	FileLogLevel     string // As ConsoleLogLevel, for syslog; empty is off.
	PrependTimestamp bool
	JobLogMaxSize    int64 // Bytes; 0 is no limit.

	FrameLease time.Duration // How long frames go on without any RQD; 0 is for ever.
	KillGrace  time.Duration // Between SIGTERM and SIGKILL.
	RunDir     string        // On the volume that frames see too.
	StateDir   string        // Journal and outbox.
	TempDir    string        // From TMPDIR, TEMP or TMP.

	Docker Docker

	runOnDocker bool // RUN_ON_DOCKER; true after Load, whatever it said.
}

// Docker is [docker.config], [docker.images] and [docker.mounts].
type Docker struct {
	ShellPath   string
	GPUMode     bool
	Images      []Image // In the order of the file: the first serves frames without an os.
	Mounts      []engine.Mount
	Privileged  bool
	PIDMode     string // Empty is a pid namespace of the frame's own.
	NetworkMode string
	ShmSize     int64 // Bytes; 0 is the frame's hard memory limit.
	Devices     []engine.Device
	CapAdd      []string
	SecurityOpt []string // Ready for the engine: seccomp holds the profile's text.
	Ulimits     []engine.Ulimit
	ExtraHosts  []string // name:address.
	DNS         []string
	Tmpfs       map[string]string // Mount point to options.
	FrameGroups []int             // Supplementary groups of every frame; never 0.
	// MinFreeSpace is what the engine's data root must have free before a frame is accepted, in bytes.
	MinFreeSpace  int64
	ImageKeepDays int64 // 0 keeps every image.

	securityOpt []string // As written, for Print.
}

// Image is one line of [docker.images].
type Image struct {
	OS        string
	Reference string
}

// SPOS is the attribute SP_OS: the systems that this host offers, as Cuebot matches them.
func (c *Config) SPOS() string { return joinOS(c.Docker.Images) }
