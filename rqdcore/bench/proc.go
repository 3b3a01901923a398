package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of CPU times in /proc, the same on every Linux that Go runs on.
const ticksPerSecond = 100

// cpuOf is what a process has used, without its children.
func cpuOf(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(raw), ") ") // The name may have blanks.
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("%s: %d fields, want 13 or more", procFile(pid, "stat"), len(fields))
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime.
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", procFile(pid, "stat"), err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// fineCPUOf is cpuOf to the nanosecond, by the scheduler's own count over all threads.
func fineCPUOf(pid int) (time.Duration, error) {
	tasks, err := filepath.Glob(procFile(pid, "task/*/schedstat"))
	if err != nil || len(tasks) == 0 {
		return cpuOf(pid)
	}
	var sum time.Duration
	for _, task := range tasks {
		raw, err := os.ReadFile(task) // #nosec G304 -- below /proc.
		if err != nil {
			continue // A thread that has ended.
		}
		first, _, _ := strings.Cut(string(raw), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return cpuOf(pid)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// rssOf is the resident memory of a process in MB, shared pages and all.
func rssOf(pid int) (float64, error) { return memoryOf(pid, "status", "VmRSS:") }

// shareOf is the same, with each page that several processes have divided among them.
func shareOf(pid int) (float64, error) { return memoryOf(pid, "smaps_rollup", "Pss:") }

func memoryOf(pid int, file, key string) (float64, error) {
	raw, err := os.ReadFile(procFile(pid, file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if text, ok := strings.CutPrefix(line, key); ok {
			kib, err := strconv.ParseFloat(strings.Fields(text)[0], 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", procFile(pid, file), key)
}

// pidsOf are the processes whose program is named so.
func pidsOf(is func(comm string) bool) []int {
	comms, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return nil
	}
	var pids []int
	for _, path := range comms {
		raw, err := os.ReadFile(path) // #nosec G304 -- below /proc.
		if err != nil || !is(strings.TrimSpace(string(raw))) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// isFrameInit knows process 1 of our frames; the kernel keeps fifteen letters of a name.
func isFrameInit(comm string) bool { return strings.HasPrefix(comm, "frameinit") }

// isDaemon knows the processes of the engine, the shim of every container among them.
func isDaemon(comm string) bool {
	return comm == "dockerd" || strings.HasPrefix(comm, "containerd")
}

func procFile(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }

// containsMount says whether one of the mounts shows the directory: its path is a mount's root, on whatever file system.
func containsMount(mountinfo []byte, dir string) bool {
	for line := range strings.Lines(string(mountinfo)) {
		if fields := strings.Fields(line); len(fields) > 3 && strings.HasSuffix(dir, fields[3]) && fields[3] != "/" {
			return true
		}
	}
	return false
}
