package farm

import (
	"fmt"
	"slices"
	"time"
)

const (
	silence        = 300 * time.Second // Without a report a host is DOWN and a proc is lost.
	systemMemory   = 512 * 1024        // KiB that Cuebot keeps back for the system.
	leastHost      = 256 * 1024        // KiB bookable, below which Cuebot makes no host.
	leastFree      = 512 * 1024        // KiB free, below which a host gets no frames.
	gibibyte       = 1024 * 1024       // In KiB.
	leastFreeShare = 20                // One part in twenty of the temporary space must be free.
)

// Outcome is what a report led to.
type Outcome struct {
	// Problems are what a real Cuebot would drop without a word, although it answers OK.
	Problems []string
	// Kills are frames to be killed on the reporting host.
	Kills []Kill
}

// Boot takes a boot report in: the host is there and its resources are as reported.
func (f *Farm) Boot(r Report) Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.notify()
	h, problem := f.see(r)
	if h == nil {
		return Outcome{Problems: []string{problem}}
	}
	if len(h.procs) == 0 {
		h.setResources()
	}
	return Outcome{Problems: h.doubts}
}

// Report takes a host report in and compares its frames with what is booked.
func (f *Farm) Report(r Report) Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.notify()
	h, problem := f.see(r)
	if h == nil {
		return Outcome{Problems: []string{problem}}
	}
	out := Outcome{Problems: slices.Clone(h.doubts)}
	for _, seen := range r.Frames {
		kill, problem, ok := f.verify(h, seen)
		if kill != nil {
			out.Kills = append(out.Kills, *kill)
		}
		if problem != "" {
			out.Problems = append(out.Problems, problem)
		}
		if !ok {
			break
		}
	}
	return out
}

// see stores what a report says of its host. It returns nil and the reason when Cuebot
// would drop the report.
func (f *Farm) see(r Report) (*host, string) {
	m := r.Machine
	if why := m.unusable(); why != "" {
		return nil, why
	}
	h := f.host(m.Name)
	if h == nil {
		h = &host{name: shortName(m.Name), fqdn: m.Name, machine: m, state: Up, procs: map[string]*proc{}}
		h.setResources()
		if h.memory < leastHost {
			return nil, fmt.Sprintf("total_mem %d KiB leaves less than %d KiB to book: Cuebot makes no such host", m.TotalMemory, leastHost)
		}
		f.hosts[h.name] = h
	} else {
		h.state = h.nextState(m)
	}
	h.machine, h.cores, h.pinged = m, r.Cores, f.cfg.Now()
	h.unloaded = h.total + h.total/100*5 - Points(m.Load)
	h.refused, h.doubts = "", m.doubts()
	return h, ""
}

// host finds a host by its full or its short name.
func (f *Farm) host(name string) *host {
	if h := f.hosts[shortName(name)]; h != nil && (h.name == name || h.fqdn == name) {
		return h
	}
	return nil
}

// nextState is the state of a known host after a report.
func (h *host) nextState(m Machine) HardwareState {
	full := m.TotalMCP == 0 || m.FreeMCP < m.TotalMCP/leastFreeShare
	if full && m.Attributes[attributeOS] != "Windows" {
		return Repair
	}
	return m.State
}

// setResources takes over what can be booked on the host.
func (h *host) setResources() {
	m := h.machine
	whole := m.TotalMemory / gibibyte
	if slices.Contains(m.Tags, "64bit") && m.TotalMemory%gibibyte != 0 {
		whole++
	}
	h.total, h.memory, h.gpus = m.total(), whole*gibibyte-systemMemory, m.GPUs
}

// idle is what of the host is not booked. It knows nothing of locked cores, as Cuebot does not.
func (h *host) idle() (cores Points, memory int64, gpus int32) {
	cores, memory, gpus = h.total, h.memory, h.gpus
	for _, p := range h.procs {
		cores -= p.cores
		memory -= p.memory
		gpus -= p.gpus
	}
	return cores, memory, gpus
}

// Lock keeps frames away from a host, or lets them on it again. What runs there goes on.
func (f *Farm) Lock(name string, locked LockState) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.host(name)
	if h == nil {
		return f.unknownHost(name)
	}
	h.locked = locked == Locked
	f.notify()
	return nil
}

// LockState is whether a host takes frames.
type LockState string

// The two lock states that are not nimby's.
const (
	Open   LockState = "OPEN"
	Locked LockState = "LOCKED"
)

// HostName is the name under which a host is dialled.
func (f *Farm) HostName(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h := f.host(name); h != nil {
		return h.name, nil
	}
	return "", f.unknownHost(name)
}

// HostNames lists all hosts that take frames now.
func (f *Farm) HostNames() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, h := range f.sortedHosts() {
		if h.closed() == "" {
			out = append(out, h.name)
		}
	}
	return out
}
