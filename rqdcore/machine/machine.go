package machine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"rqdswarm/rqdcore/frame"
)

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
	Cuebot           string // host:port of one Cuebot, to find the address that it can call; may be empty.
	OverrideCores    int    // Logical CPUs; 0 is as found.
	OverrideProcs    int    // Sockets; 0 is as found.
	OverrideMemory   int64  // KiB; 0 is as found.
	LoadModifier     int
	TempDir          string   // Measured when there is no /mcp.
	GPU              GPUProbe // nil when GPU is off.
	Network          Network
}

// Machine is this host. It is safe for concurrent use.
type Machine struct {
	fs       FS
	options  Options
	fixed    frame.Host // What does not change while RQD runs.
	topology Topology
	temp     string
	warnings []string
	cards    cards
	answered bool // The graphics cards did, in New.

	mu    sync.Mutex
	swap  swapRate
	space space // Last measured.
}

// New reads what does not change while RQD runs, and everything else once, so that a machine
// which cannot be told to Cuebot is found out at the start.
func New(fs FS, o Options) (*Machine, error) {
	topology, err := readTopology(fs, o)
	if err != nil {
		return nil, fmt.Errorf("read processors: %w", err)
	}
	named, err := hostName(fs, o)
	if err != nil {
		return nil, err
	}
	boot, err := parsed(fs, "proc/stat", parseBootTime)
	if err != nil {
		return nil, err
	}
	release, err := fs.line("proc/sys/kernel/osrelease")
	if err != nil {
		return nil, err
	}
	labels, warnings := tags(o, named.name, release)
	m := &Machine{
		fs: fs, options: o, topology: topology, temp: tempPath(fs, o.TempDir), cards: cards{probe: o.GPU},
		warnings: slices.Concat(named.warnings, warnings, topology.warnings()),
		fixed: frame.Host{
			Name: named.name, Facility: o.Facility, BootTime: boot, Tags: labels, State: frame.HostUp,
			Sockets: int32(topology.Sockets), CoresPerProc: topology.CoresPerProc(), // #nosec G115 -- sockets are few.
			Attributes: map[string]string{"SP_OS": o.SPOS, "hyperthreadingMultiplier": strconv.Itoa(topology.Multiplier)},
		},
	}
	err = m.cards.look(context.Background())
	m.answered = err == nil
	if err != nil {
		m.warnings = append(m.warnings, fmt.Sprintf("graphics cards do not answer, trying again: %v", err))
	}
	_, err = m.Host()
	return m, err
}

// Host returns the machine as it is now, ready for a report; State is left at HostUp. It reads
// a few small files of /proc.
func (m *Machine) Host() (frame.Host, error) {
	memory, err := parsed(m.fs, "proc/meminfo", parseMeminfo)
	if err != nil {
		return frame.Host{}, err
	}
	load, err := parsed(m.fs, "proc/loadavg", parseLoadavg)
	if err != nil {
		return frame.Host{}, err
	}
	swapped, err := parsed(m.fs, "proc/vmstat", parseSwapOut)
	if err != nil {
		return frame.Host{}, err
	}
	space, rate, err := m.observe(swapped)
	if err != nil {
		return frame.Host{}, err
	}
	h := m.fixed
	h.Tags = slices.Clone(h.Tags)
	h.Attributes = maps.Clone(h.Attributes)
	h.Attributes["swapout"] = strconv.FormatInt(rate, 10)
	h.TotalMemory, h.FreeMemory = memory.total, memory.idle()
	if m.options.OverrideMemory > 0 {
		h.TotalMemory = m.options.OverrideMemory
	}
	h.FreeMemory = min(h.FreeMemory, h.TotalMemory)
	h.TotalSwap, h.FreeSwap = memory.totalSwap, memory.freeSwap
	h.TotalMCP, h.FreeMCP = space.total, space.free
	h.Load = reportedLoad(load, m.topology.Multiplier, m.options.LoadModifier)
	for _, card := range m.cards.known() {
		h.GPUs++
		h.TotalGPU += card.Total
		h.FreeGPU += card.Free
	}
	return h, nil
}

// observe measures what needs the last measurement. A directory that cannot be measured just
// now keeps its last figures: no space at all would take the host out of service.
func (m *Machine) observe(swapped int64) (space, int64, error) {
	now, err := spaceOf(m.fs, m.temp)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.space = now
	} else if m.space.total == 0 {
		return space{}, 0, err
	}
	return m.space, m.swap.observe(swapped, time.Now()), nil
}

// Name is the host's name, the same for the life of the process.
func (m *Machine) Name() string { return m.fixed.Name }

// Topology is the machine's processors.
func (m *Machine) Topology() Topology { return m.topology }

// GPUs are the graphics cards as last seen.
func (m *Machine) GPUs() []GPU { return m.cards.known() }

// FreeGPU is the free memory of all graphics cards as last seen, in kB.
func (m *Machine) FreeGPU() int64 {
	var free int64
	for _, card := range m.cards.known() {
		free += card.Free
	}
	return free
}

// TempPath is the directory whose space is reported as total_mcp and free_mcp, with a slash at its end.
func (m *Machine) TempPath() string { return m.temp }

// Warnings are what New found odd but can live with, one sentence each.
func (m *Machine) Warnings() []string { return m.warnings }
