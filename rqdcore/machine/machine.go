package machine

import (
	"errors"

	"rqdswarm/rqdcore/frame"
)

// FS is the root below which proc and sys lie; "/" on a real machine.
type FS string

// Options are the choices of rqd.conf that the machine's facts depend on.
type Options struct {
	Version          string   // Reported as the tag rqdv-<version>.
	Tags             []string // RQD_TAGS.
	Desktop          bool
	Facility         string
	SPOS             string // The attribute SP_OS.
	HostName         string // OVERRIDE_HOSTNAME.
	UseIPAsHostname  bool
	UseIPv6          bool
	NetworkInterface string
	OverrideCores    int   // Logical CPUs; 0 is as found.
	OverrideProcs    int   // Sockets; 0 is as found.
	OverrideMemory   int64 // KiB; 0 is as found.
	LoadModifier     int
	TempDir          string   // Measured when there is no /mcp.
	GPU              GPUProbe // nil when GPU is off.
}

// Machine is this host. It is safe for concurrent use.
type Machine struct{}

// New reads what does not change while RQD runs.
func New(fs FS, o Options) (*Machine, error) { return nil, errors.ErrUnsupported }

// Host returns the machine as it is now, ready for a report; State is left at HostUp.
func (m *Machine) Host() (frame.Host, error) { return frame.Host{}, errors.ErrUnsupported }

// Name is the host's name, the same for the life of the process.
func (m *Machine) Name() string { return "" }

// Topology is the machine's processors.
func (m *Machine) Topology() Topology { return Topology{} }

// TempPath is the directory whose space is reported as total_mcp and free_mcp, with a slash at its end.
func (m *Machine) TempPath() string { return "" }

// Warnings are what New found odd but can live with, one sentence each.
func (m *Machine) Warnings() []string { return nil }
