package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const statV2 = "anon 1187840\nfile 999999999\nkernel 4096\nshmem 1048576\nfile_mapped 4096\n"

// captured are the files that frameinit looks at, as they were in a container that held 8 MB in its shell and 4 MB in
// /dev/shm and that had lost a child for want of memory: of engine 20.10 on cgroup v1, of engine 26.1 and Linux 6.1 on v2.
func captured(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := filepath.Join("testdata", dir)
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root+"/")] = string(text)
		return err
	}))
	return files
}

func TestFindCgroup(t *testing.T) {
	t.Parallel()
	v1, v2 := captured(t, "cgroup-v1"), captured(t, "cgroup-v2")
	v1Usage := usage{memory: 8183808 + 4001792, user: 359818, system: 234810, oomKills: 1}
	v2Usage := usage{memory: 8179712 + 4001792, user: 25768700, system: 891299, oomKills: 1}
	const cgroupFile, mountFile = "proc/self/cgroup", "proc/self/mountinfo"
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  usage
		seen  bool
	}{
		{"v1", v1, v1Usage, true},
		{"v2", v2, v2Usage, true},
		// Systemd mounts some controllers together.
		{"v1 of systemd", with(relocated(v1, "cpuacct/", "cpu,cpuacct/"), mountFile, strings.NewReplacer(
			"/cpuacct ro", "/cpu,cpuacct ro", "rw,cpuacct", "rw,cpu,cpuacct").Replace(v1[mountFile])), v1Usage, true},
		{"v2 of the host", without(v2, "sys/fs/cgroup/cgroup.events"), usage{}, false},
		{"v1 of the host", with(v1, "sys/fs/cgroup/memory/release_agent", ""), usage{}, false},
		{"v1 elsewhere than what is mounted", with(v1, cgroupFile, "4:memory:/other\n"), usage{}, false},
		{"none", with(v2, mountFile, ""), usage{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := findCgroup(image(t, tc.files))
			if (err == nil) != tc.seen {
				t.Fatalf("have error %v, want seen %v", err, tc.seen)
			}
			if err != nil {
				return
			}
			have, err := c.all()
			if err != nil || have != tc.want {
				t.Errorf("have %+v, error %v, want %+v", have, err, tc.want)
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
	out := maps.Clone(files)
	out[path] = text
	return out
}

// relocated are the files with one directory of their paths renamed.
func relocated(files map[string]string, from, to string) map[string]string {
	out := map[string]string{}
	for path, text := range files {
		out[strings.Replace(path, from, to, 1)] = text
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
