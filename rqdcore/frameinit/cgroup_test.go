package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const containerID = "9475e8a2b054bd880a27e1444e8be9f41a2f6fda9b37aa9773a53299324e8029"

const statV1 = "cache 667648\nrss 118784\nshmem 4096\nswap 0\ntotal_cache 667648\ntotal_rss 1187840\ntotal_shmem 1048576\ntotal_swap 8192\n"

const statV2 = "anon 1187840\nfile 999999999\nkernel 4096\nshmem 1048576\nfile_mapped 4096\n"

func TestFindCgroup(t *testing.T) {
	t.Parallel()
	v1Mounts := "82 81 0:29 /docker/" + containerID + " /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
		"83 81 0:30 /docker/" + containerID + " /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
	v1Files := map[string]string{
		"sys/fs/cgroup/memory/memory.stat": statV1, "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
		"sys/fs/cgroup/cpu,cpuacct/cpuacct.usage_user": "20000000\n", "sys/fs/cgroup/cpu,cpuacct/cpuacct.usage_sys": "31975094\n",
	}
	v2Files := map[string]string{
		"sys/fs/cgroup/memory.stat": statV2, "sys/fs/cgroup/memory.events": "low 0\noom 1\noom_kill 2\n", "sys/fs/cgroup/cgroup.events": "",
		"sys/fs/cgroup/cpu.stat": "usage_usec 51975\nuser_usec 20000\nsystem_usec 31975\n", "sys/fs/cgroup/memory.swap.current": "8192\n",
	}
	v2Mounts := "82 81 0:29 / /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate\n"
	want := usage{memory: 1187840 + 1048576, swap: 8192, user: 20000, system: 31975, oomKills: 2}
	for _, tc := range []struct {
		name, mounts, paths string
		files               map[string]string
		seen                bool
	}{
		{"v1", v1Mounts, "4:memory:/docker/" + containerID + "\n2:cpu,cpuacct:/docker/" + containerID + "\n0::/docker/" + containerID + "\n", v1Files, true},
		{"v2", v2Mounts, "0::/\n", v2Files, true},
		{"v2 of the host", v2Mounts, "0::/\n", without(v2Files, "sys/fs/cgroup/cgroup.events"), false},
		{
			"v1 of the host", "82 81 0:29 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", "4:memory:/\n",
			with(v1Files, "sys/fs/cgroup/memory/release_agent", ""), false,
		},
		{"v1 elsewhere than what is mounted", v1Mounts, "4:memory:/other\n", v1Files, false},
		{"none", "", "0::/\n", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root := image(t, with(with(tc.files, "proc/self/mountinfo", tc.mounts), "proc/self/cgroup", tc.paths))
			c, err := findCgroup(root)
			if (err == nil) != tc.seen {
				t.Fatalf("have error %v, want seen %v", err, tc.seen)
			}
			if err != nil {
				return
			}
			have, err := c.all()
			if err != nil || have != want {
				t.Errorf("have %+v, error %v, want %+v", have, err, want)
			}
		})
	}
}

// On a host with the whole hierarchy mounted the frame's own part of it is read.
func TestFindCgroupBelowTheMount(t *testing.T) {
	t.Parallel()
	root := image(t, map[string]string{
		"proc/self/mountinfo":                  "82 81 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
		"proc/self/cgroup":                     "0::/docker/x\n",
		"sys/fs/cgroup/docker/x/memory.stat":   statV2,
		"sys/fs/cgroup/docker/x/cpu.stat":      "user_usec 1\n",
		"sys/fs/cgroup/docker/x/cgroup.events": "",
	})
	c, err := findCgroup(root)
	must(t, err)
	if have, want := c.processes(), filepath.Join(root, "sys/fs/cgroup/docker/x/cgroup.procs"); have != want {
		t.Errorf("have %s, want %s", have, want)
	}
	if u, err := c.all(); err != nil || u.user != 1 || u.swap != 0 {
		t.Errorf("have %+v, error %v, want it without swap", u, err)
	}
}

func TestCgroupV1OfOldKernels(t *testing.T) {
	t.Parallel()
	root := image(t, map[string]string{
		"m/memory.stat": "total_rss 4096\n", "c/cpuacct.stat": "user 3\nsystem 4\n",
	})
	c, err := openV1(filepath.Join(root, "m"), filepath.Join(root, "c"))
	must(t, err)
	if have, err := c.all(); err != nil || have != (usage{memory: 4096, user: 30_000, system: 40_000}) {
		t.Errorf("have %+v, error %v", have, err)
	}
}

func with(files map[string]string, path, text string) map[string]string {
	out := map[string]string{path: text}
	for p, text := range files {
		out[p] = text
	}
	return out
}

func without(files map[string]string, path string) map[string]string {
	out := with(files, path, "")
	delete(out, path)
	return out
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/stat.txt")
	must(t, err)
	have, err := parseStat(text)
	want := processStat{
		pid: 105, parent: 100, name: "a (b) c", state: "S", user: 1, system: 2, start: 17336,
		vsize: 4460544, rss: 154,
	}
	if err != nil || have != want {
		t.Errorf("have %+v, error %v, want %+v", have, err, want)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", "x (y) S z"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9 10 11 12"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = parseStat(text)
		_ = parseMounts(text)
		_ = parsePIDs(text)
		_, _ = parseMemoryV1(text)
	})
}

func TestDescendants(t *testing.T) {
	t.Parallel()
	const rest = " 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9 10 11 12"
	root := image(t, map[string]string{
		"10/stat": "10 (me) S 1" + rest, "11/stat": "11 (a) S 10" + rest, "12/stat": "12 (b) S 11" + rest,
		"13/stat": "13 (other) S 1" + rest, "14/stat": "14 (dead) Z 10" + rest, "self/stat": "x",
	})
	have := procfs{root}.descendants(10)
	if len(have) != 2 || have[0] != 11 || have[1] != 12 {
		t.Errorf("have %v, want 11 and 12", have)
	}
}

// TestProcfsOfThisMachine reads the real process table: the kernel's directory has more than one buffer of names.
func TestProcfsOfThisMachine(t *testing.T) {
	t.Parallel()
	p := procfs{"/proc"}
	self := os.Getpid()
	if !slices.Contains(p.pids(), self) {
		t.Errorf("process %d is missing in %v", self, p.pids())
	}
	s, err := p.stat(self)
	if err != nil || s.pid != self || s.rss == 0 {
		t.Errorf("have %+v, %v, want process %d with some memory", s, err, self)
	}
	if have := p.commandLine(self); !strings.Contains(have, "frameinit") {
		t.Errorf("have command line %q, want this test's", have)
	}
	if have := p.commandLine(1 << 30); have != "" {
		t.Errorf("have command line %q of no process, want none", have)
	}
}

// What frameinit itself uses is not the frame's.
func TestMeterLeavesOutFrameinit(t *testing.T) {
	t.Parallel()
	page := int64(os.Getpagesize())
	root := image(t, map[string]string{
		"proc/self/mountinfo":         "82 81 0:29 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
		"proc/self/cgroup":            "0::/\n",
		"proc/self/statm":             "9999 150 50 9 0 9 0\n", // 100 pages are not of files.
		"sys/fs/cgroup/memory.stat":   fmt.Sprintf("anon %d\nshmem %d\n", 300*page, 10*page),
		"sys/fs/cgroup/cpu.stat":      "user_usec 1\nsystem_usec 2\n",
		"sys/fs/cgroup/cgroup.events": "",
	})
	m := newMeter(root, nil)
	const want = 210
	if memory, _, ok := m.memory(); !ok || memory != want*page/1024 {
		t.Errorf("have %d KiB, %v, want %d", memory, ok, want*page/1024)
	}
	if u, ok := m.all(); !ok || u.memory != want*page {
		t.Errorf("have %+v, %v, want %d bytes", u, ok, want*page)
	}
}
