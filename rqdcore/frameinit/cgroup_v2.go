package main

import "path/filepath"

// cgroupV2 reads the unified hierarchy.
type cgroupV2 struct {
	dir          string
	stat, events statFile
	swap, cpu    statFile
	buf          [statSize]byte
}

func openV2(dir string) (cgroup, error) {
	return &cgroupV2{
		dir:    dir,
		stat:   openStat(filepath.Join(dir, "memory.stat")),
		events: openStat(filepath.Join(dir, "memory.events")),
		swap:   openStat(filepath.Join(dir, "memory.swap.current")),
		cpu:    openStat(filepath.Join(dir, "cpu.stat")),
	}, nil
}

func (c *cgroupV2) processes() string { return filepath.Join(c.dir, "cgroup.procs") }

func (c *cgroupV2) memory() (memory, swap int64, err error) {
	text, err := c.stat.read(c.buf[:])
	if err != nil {
		return 0, 0, err
	}
	swap, _ = c.swap.number() // Not there on a kernel without swap.
	return parseMemoryV2(text), swap, nil
}

// parseMemoryV2 adds anonymous and shared memory.
func parseMemoryV2(text []byte) (memory int64) {
	keyed(text, func(name []byte, n int64) {
		switch string(name) {
		case "anon", "shmem":
			memory += n
		}
	})
	return memory
}

func (c *cgroupV2) all() (usage, error) {
	var u usage
	var err error
	if u.memory, u.swap, err = c.memory(); err != nil {
		return u, err
	}
	text, err := c.cpu.read(c.buf[:])
	if err != nil {
		return u, err
	}
	u.user, u.system = findKey(text, "user_usec"), findKey(text, "system_usec")
	if text, err := c.events.read(c.buf[:]); err == nil {
		u.oomKills = findKey(text, "oom_kill")
	}
	return u, nil
}
