package main

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"sync/atomic"

	"rqdswarm/internal/wire"
)

// processList is what the process table says of the frame. The sums stand in for a cgroup
// that cannot be seen.
type processList struct {
	processes    []wire.Process // The largest, by memory.
	vsize        int64          // KiB.
	rss          int64          // KiB; counts shared pages more than once.
	user, system int64          // Milliseconds.
}

// meter measures the frame: by its cgroup where there is one, by its processes elsewhere.
type meter struct {
	cgroup   cgroup // Nil when none can be seen.
	proc     procfs
	own      statFile // Of frameinit's memory, which is not the frame's.
	pageSize int64
	events   chan<- event
	busy     atomic.Bool
}

func newMeter(root string, events chan<- event) *meter {
	m := &meter{proc: procfs{root + "/proc"}, own: openStat(root + "/proc/self/statm"), pageSize: int64(os.Getpagesize()), events: events}
	m.cgroup, _ = findCgroup(root) // Without one the processes are added up.
	return m
}

// memory is in KiB; false when there is no cgroup to ask.
func (m *meter) memory() (memory, swap int64, ok bool) {
	if m.cgroup == nil {
		return 0, 0, false
	}
	memory, swap, err := m.cgroup.memory()
	if err != nil {
		return 0, 0, false
	}
	return max(0, memory-m.ownMemory()) / 1024, swap / 1024, true
}

// all is like memory, with everything that the cgroup counts.
func (m *meter) all() (usage, bool) {
	if m.cgroup == nil {
		return usage{}, false
	}
	u, err := m.cgroup.all()
	if err != nil {
		return usage{}, false
	}
	u.memory = max(0, u.memory-m.ownMemory())
	return u, true
}

// ownMemory is frameinit's anonymous memory in bytes: what it has, less what is of files.
func (m *meter) ownMemory() int64 {
	var buf [128]byte
	text, err := m.own.read(buf[:])
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	shared, _ := strconv.ParseInt(string(fields[2]), 10, 64)
	return (resident - shared) * m.pageSize
}

// list reads the process table in the background: reading of a process that is stuck in the
// kernel may hang. While one is under way another is not begun.
func (m *meter) list() {
	if !m.busy.CompareAndSwap(false, true) {
		return
	}
	go func() {
		list := m.read()
		m.busy.Store(false)
		m.events <- listed{list: list}
	}()
}

func (m *meter) read() processList {
	var l processList
	var all []processStat
	self := os.Getpid()
	for _, pid := range m.pids(self) {
		s, err := m.proc.stat(pid)
		if err != nil || pid == self {
			continue
		}
		l.vsize += s.vsize / 1024
		l.rss += s.rss * m.pageSize / 1024
		l.user += s.user * 1000 / ticksPerSecond
		l.system += s.system * 1000 / ticksPerSecond
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b processStat) int { return int(b.rss - a.rss) })
	boot := bootTime()
	for _, s := range all[:min(len(all), maxProcesses)] {
		p := s.process(boot, m.pageSize)
		p.Cmdline = m.proc.commandLine(s.pid)
		l.processes = append(l.processes, p)
	}
	return l
}

// pids are the frame's processes: all that there are in a pid namespace of its own.
func (m *meter) pids(self int) []int {
	if self == 1 {
		return m.proc.pids()
	}
	if m.cgroup != nil {
		if text, err := os.ReadFile(m.cgroup.processes()); err == nil {
			return parsePIDs(text)
		}
	}
	return m.proc.descendants(self)
}

func parsePIDs(text []byte) []int {
	var list []int
	for field := range bytes.FieldsSeq(text) {
		if pid, err := strconv.Atoi(string(field)); err == nil && pid > 0 {
			list = append(list, pid)
		}
	}
	return list
}
