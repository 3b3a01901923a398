package main

import "path/filepath"

// statSize holds a memory.stat of any kernel so far.
const statSize = 8 << 10

// cgroupV1 reads the memory and cpuacct hierarchies.
type cgroupV1 struct {
	dir       string
	stat, oom statFile
	user, sys statFile
	ticks     statFile
	buf       [statSize]byte
}

func openV1(memory, cpu string) (cgroup, error) {
	return &cgroupV1{
		dir:   memory,
		stat:  openStat(filepath.Join(memory, "memory.stat")),
		oom:   openStat(filepath.Join(memory, "memory.oom_control")),
		user:  openStat(filepath.Join(cpu, "cpuacct.usage_user")),
		sys:   openStat(filepath.Join(cpu, "cpuacct.usage_sys")),
		ticks: openStat(filepath.Join(cpu, "cpuacct.stat")),
	}, nil
}

func (c *cgroupV1) processes() string { return filepath.Join(c.dir, "cgroup.procs") }

func (c *cgroupV1) memory() (memory, swap int64, err error) {
	text, err := c.stat.read(c.buf[:])
	if err != nil {
		return 0, 0, err
	}
	memory, swap = parseMemoryV1(text)
	return memory, swap, nil
}

// parseMemoryV1 adds anonymous memory, which v1 calls rss, and shared memory, which it counts
// as cache. Kernels before 4.x do not tell shared memory apart.
func parseMemoryV1(text []byte) (memory, swap int64) {
	keyed(text, func(name []byte, n int64) {
		switch string(name) {
		case "total_rss", "total_shmem":
			memory += n
		case "total_swap":
			swap = n
		}
	})
	return memory, swap
}

func (c *cgroupV1) all() (usage, error) {
	var u usage
	var err error
	if u.memory, u.swap, err = c.memory(); err != nil {
		return u, err
	}
	if u.user, u.system, err = c.cpu(); err != nil {
		return u, err
	}
	if text, err := c.oom.read(c.buf[:]); err == nil {
		u.oomKills = findKey(text, "oom_kill")
	}
	return u, nil
}

// cpu is in microseconds. Linux before 4.7 counts in hundredths of a second only.
func (c *cgroupV1) cpu() (user, system int64, err error) {
	user, userErr := c.user.number()
	system, systemErr := c.sys.number()
	if userErr == nil && systemErr == nil {
		return user / 1000, system / 1000, nil
	}
	text, err := c.ticks.read(c.buf[:])
	if err != nil {
		return 0, 0, err
	}
	const tick = 1_000_000 / ticksPerSecond
	return findKey(text, "user") * tick, findKey(text, "system") * tick, nil
}

// findKey is the number of one name; 0 when it is not there.
func findKey(text []byte, key string) (value int64) {
	keyed(text, func(name []byte, n int64) {
		if string(name) == key {
			value = n
		}
	})
	return value
}
