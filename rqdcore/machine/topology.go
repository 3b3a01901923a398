package machine

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"rqdswarm/rqdcore/frame"
)

// pointsPerCore is OpenCue's unit: one physical core is 100 core points.
const pointsPerCore = 100

// Core is one physical core: its socket and the logical CPUs that are its threads.
type Core struct {
	Socket int
	CPUs   []int
}

// Topology is the processors of a host.
type Topology struct {
	Sockets    int
	Multiplier int              // Threads of one core: the hyper-threading multiplier; at least 1.
	Total      frame.CorePoints // What the host offers, overrides applied.
	Cores      []Core           // Ascending; those a frame may be pinned to, none when the machine does not tell.
}

// Pinnable says whether frames can be given cores of their own.
func (t Topology) Pinnable() bool { return len(t.Cores) > 0 }

// HyperThreaded is what CUE_HT tells frames.
func (t Topology) HyperThreaded() bool { return t.Multiplier > 1 }

// CoresPerProc is the core points of one socket, as Cuebot multiplies them again.
func (t Topology) CoresPerProc() frame.CorePoints {
	return t.Total / frame.CorePoints(max(1, t.Sockets)) // #nosec G115 -- sockets are few.
}

// readTopology asks /proc/cpuinfo, and /sys where that does not tell sockets and cores.
func readTopology(fs FS, o Options) (Topology, error) {
	text, err := fs.read("proc/cpuinfo")
	if err != nil {
		return Topology{}, err
	}
	list := parseCPUInfo(text)
	if !located(list) {
		if sys := sysProcessors(fs); len(sys) > 0 {
			list = sys
		}
	}
	t, ok := topologyOf(list)
	if !ok {
		return Topology{}, errors.New("neither /proc/cpuinfo nor /sys/devices/system/cpu lists a processor")
	}
	count := len(list)
	if o.OverrideCores > 0 {
		count = o.OverrideCores
	}
	if o.OverrideProcs > 0 {
		t.Sockets = o.OverrideProcs
	}
	t.Total = frame.CorePoints(max(1, count*pointsPerCore/t.Multiplier)) // #nosec G115 -- processors are few.
	return t, nil
}

// located says whether every logical CPU tells its socket and core.
func located(list []processor) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(p processor) bool { return !p.located })
}

// topologyOf sorts logical CPUs into cores and sockets. When they do not tell, each counts as
// a socket with one core, as in the Python RQD, and nothing can be pinned. The multiplier is
// that of the last one, for the same reason, or the average where only /sys told.
func topologyOf(list []processor) (Topology, bool) {
	if len(list) == 0 {
		return Topology{}, false
	}
	t := Topology{Sockets: len(list), Multiplier: 1}
	if located(list) {
		t.Cores = coresOf(list)
		t.Sockets = countSockets(t.Cores)
		t.Multiplier = max(1, len(list)/len(t.Cores))
	}
	if last := list[len(list)-1]; last.cores > 0 {
		t.Multiplier = max(1, last.siblings/last.cores)
	}
	return t, true
}

// coresOf groups logical CPUs by socket and core.
func coresOf(list []processor) []Core {
	byPlace := make(map[[2]int]*Core)
	seen := make(map[int]bool)
	for _, p := range list {
		if seen[p.id] {
			continue
		}
		seen[p.id] = true
		place := [2]int{p.socket, p.core}
		if byPlace[place] == nil {
			byPlace[place] = &Core{Socket: p.socket}
		}
		byPlace[place].CPUs = append(byPlace[place].CPUs, p.id)
	}
	cores := make([]Core, 0, len(byPlace))
	for _, core := range byPlace {
		cores = append(cores, *core)
	}
	return sortCores(cores)
}

// sortCores orders cores by their first CPU, and the CPUs of each.
func sortCores(cores []Core) []Core {
	for _, core := range cores {
		slices.Sort(core.CPUs)
	}
	slices.SortFunc(cores, func(a, b Core) int { return cmp.Compare(a.CPUs[0], b.CPUs[0]) })
	return cores
}

func countSockets(cores []Core) int {
	sockets := make(map[int]bool)
	for _, core := range cores {
		sockets[core.Socket] = true
	}
	return len(sockets)
}

// sysProcessors reads /sys/devices/system/cpu/cpu*/topology. CPUs that are offline have none.
func sysProcessors(fs FS) []processor {
	const dir = "sys/devices/system/cpu"
	entries, err := os.ReadDir(fs.path(dir))
	if err != nil {
		return nil
	}
	var list []processor
	for _, entry := range entries {
		number, ok := strings.CutPrefix(entry.Name(), "cpu")
		id, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		core, err := sysNumber(fs, path.Join(dir, entry.Name(), "topology/core_id"))
		if err != nil {
			continue
		}
		socket, err := sysNumber(fs, path.Join(dir, entry.Name(), "topology/physical_package_id"))
		if err != nil {
			continue
		}
		// ARM kernels say -1 for a socket that the firmware does not describe.
		list = append(list, processor{id: id, socket: max(0, socket), core: core, located: true})
	}
	return list
}

func sysNumber(fs FS, name string) (int, error) {
	text, err := fs.line(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// warnings names what of the processors a studio would want to know.
func (t Topology) warnings() []string {
	var list []string
	if !t.Pinnable() {
		list = append(list, "machine does not tell its sockets and cores: threadable frames run without being pinned")
	}
	if lost := t.Total - t.CoresPerProc()*frame.CorePoints(t.Sockets); lost > 0 { // #nosec G115 -- sockets are few.
		list = append(list, fmt.Sprintf("%d core points of %d cannot be told to Cuebot, which wants as many for each of %d sockets", lost, t.Total, t.Sockets))
	}
	return list
}
