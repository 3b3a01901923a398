package farm

import (
	"fmt"
	"strconv"
	"strings"
)

// Points counts cores as OpenCue does: 100 is one physical core.
type Points int32

// String is the number of cores, for example 2 or 0.5.
func (p Points) String() string { return strconv.FormatFloat(float64(p)/100, 'f', -1, 64) }

// HardwareState is the state of a host as its RQD reports it, or as the farm judges it.
type HardwareState string

// The states of a host. RQD says UP or DOWN; REPAIR is the farm's word for a host without temporary space.
const (
	Up     HardwareState = "UP"
	Down   HardwareState = "DOWN"
	Repair HardwareState = "REPAIR"
)

// Machine is what every report says of a host; sizes in KiB.
type Machine struct {
	Name         string
	Facility     string
	Sockets      int32
	CoresPerProc Points // Of one socket.
	TotalMemory  int64
	FreeMemory   int64
	TotalMCP     int64 // Temporary space.
	FreeMCP      int64
	Load         int32 // Load average × 100 by physical core.
	BootTime     int64 // Epoch seconds.
	State        HardwareState
	NimbyLocked  bool
	Tags         []string
	Attributes   map[string]string
	GPUs         int32
}

// Cores is how the RQD says it shares out its cores. Like Cuebot the farm shows it and does not book by it.
type Cores struct {
	Total  Points `json:"total"`
	Idle   Points `json:"idle"`
	Locked Points `json:"locked"`
	Booked Points `json:"booked"`
}

// Running is a frame that a report lists, or that ended; sizes in KiB.
type Running struct {
	ResourceID string
	FrameID    string
	LayerID    string
	Name       string
	StartTime  int64 // Epoch milliseconds, the farm's own word echoed.
	RSS        int64
	MaxRSS     int64
	LogUpdated int64 // Epoch seconds, 0 when unknown.
}

// Report is a boot report (without frames) or a host report.
type Report struct {
	Machine Machine
	Cores   Cores
	Frames  []Running
}

// Completion is the end of a frame. Machine is nil when the report came without a host.
type Completion struct {
	Machine *Machine
	Frame   Running
	Status  int32
	Signal  int32
	RunTime int32 // Seconds.
}

// Limits of Cuebot's database columns. It answers OK to what does not fit and stores nothing.
const (
	maxHostName = 45
	maxOS       = 32
	maxTag      = 45
	maxTags     = 128
)

// attributeOS is the attribute that carries the keys of the images a host can run.
const attributeOS = "SP_OS"

// defaultOS is what Cuebot assumes of a host that reports no SP_OS.
const defaultOS = "rhel40"

// offers splits SP_OS as Cuebot does: at commas, without trimming.
func (m Machine) offers() []string {
	os, ok := m.Attributes[attributeOS]
	if !ok {
		os = defaultOS
	}
	return strings.Split(os, ",")
}

// total is the number of cores Cuebot books by.
func (m Machine) total() Points { return Points(m.Sockets) * m.CoresPerProc }

// unusable says why Cuebot would drop the whole report although it answers OK; empty when it would not.
func (m Machine) unusable() string {
	swapout, ok := m.Attributes["swapout"]
	if _, err := strconv.Atoi(swapout); ok && err != nil {
		return fmt.Sprintf("attribute swapout %q is no integer: Cuebot drops the report", swapout)
	}
	if m.Name == "" {
		return "the host has no name: Cuebot drops the report"
	}
	if n := len(m.Name); n > maxHostName {
		return fmt.Sprintf("host name of %d characters: Cuebot stores no more than %d", n, maxHostName)
	}
	if os := m.Attributes[attributeOS]; len(os) > maxOS {
		return fmt.Sprintf("attribute SP_OS %q has %d characters: Cuebot stores no more than %d and drops the report", os, len(os), maxOS)
	}
	return ""
}

// doubts are parts of a report that a real Cuebot would silently not take over.
func (m Machine) doubts() []string {
	var out []string
	all := 0
	for _, tag := range m.Tags {
		all += len(tag)
		if len(tag) > maxTag {
			out = append(out, fmt.Sprintf("tag %q has %d characters: Cuebot stores no more than %d", tag, len(tag), maxTag))
		}
	}
	if all > maxTags {
		out = append(out, fmt.Sprintf("tags of %d characters together: Cuebot stores no more than %d", all, maxTags))
	}
	if m.TotalMCP == 0 {
		out = append(out, "total_mcp is 0: Cuebot puts the host into REPAIR")
	}
	for _, os := range m.offers() {
		if os != strings.TrimSpace(os) {
			out = append(out, fmt.Sprintf("SP_OS key %q has blanks: no job can ask for it", os))
		}
	}
	return out
}

// shortName is the name Cuebot stores and dials: the domain is cut off unless it is an address.
func shortName(name string) string {
	if strings.Contains(name, ":") || isIPv4(name) {
		return name
	}
	short, _, _ := strings.Cut(name, ".")
	return short
}

func isIPv4(name string) bool {
	parts := strings.Split(name, ".")
	if len(parts) != 4 {
		return false
	}
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 255 {
			return false
		}
	}
	return true
}
