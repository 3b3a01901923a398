package machine

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseMeminfo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want memory
		err  string
	}{
		"full":         {"MemTotal: 100 kB\nMemFree:  20 kB\nBuffers: 7 kB\nCached: 30 kB\nSwapCached: 9 kB\nSwapTotal: 50 kB\nSwapFree: 40 kB\n", memory{100, 20, 30, 50, 40}, ""},
		"without swap": {"MemTotal: 100 kB\nMemFree: 20 kB\nCached: 30 kB\n", memory{total: 100, free: 20, cached: 30}, ""},
		"empty":        {"", memory{}, "has no MemTotal"},
		"no value":     {"MemTotal:\n", memory{}, "MemTotal has no value"},
		"not a number": {"MemTotal: much kB\n", memory{}, `MemTotal is "much"`},
		"negative":     {"MemTotal: -1 kB\n", memory{}, `MemTotal is "-1"`},
	} {
		have, err := parseMeminfo([]byte(tc.text))
		if have != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: have %+v, error %v, want %+v, error %q", name, have, err, tc.want, tc.err)
		}
	}
	if idle := (memory{free: 20, cached: 30}).idle(); idle != 50 {
		t.Errorf("have %d free, want MemFree and Cached", idle)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text                 string
		multiplier, modifier int
		want                 int32
	}{
		{"0.25 0.5 0.9 1/2 3\n", 1, 0, 25},
		{"20.38 0.5 0.9 1/2 3\n", 2, 0, 1019},
		{"0.29 0 0 1/2 3\n", 1, 0, 29}, // 0.29 × 100 is 28.999… in floating point.
		{"0.25 0 0 1/2 3\n", 1, 50, 75},
		{"0.25 0 0 1/2 3\n", 1, -50, 0},
		{"0.00", 1, 0, 0},
	} {
		load, err := parseLoadavg([]byte(tc.text))
		if err != nil {
			t.Errorf("%q: have error %v", tc.text, err)
		}
		if have := reportedLoad(load, tc.multiplier, tc.modifier); have != tc.want {
			t.Errorf("%q / %d + %d: have %d, want %d", tc.text, tc.multiplier, tc.modifier, have, tc.want)
		}
	}
	for _, text := range []string{"", "\n", "x 1 2", "NaN 1 2", "-1 0 0", "+Inf 0 0"} {
		if have, err := parseLoadavg([]byte(text)); err == nil {
			t.Errorf("%q: have %d, want an error", text, have)
		}
	}
}

func TestParseBootTime(t *testing.T) {
	t.Parallel()
	have, err := parseBootTime([]byte("cpu 1 2\nbtime 1754042400\nprocesses 5\n"))
	if have != 1754042400 || err != nil {
		t.Errorf("have %d, error %v", have, err)
	}
	for _, text := range []string{"", "cpu 1\n", "btime soon\n", "btime 0\n"} {
		if have, err := parseBootTime([]byte(text)); err == nil {
			t.Errorf("%q: have %d, want an error", text, have)
		}
	}
}

func TestParseSwapOut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"pgpgout 9\npswpout 12\npswpin 3\n": 12, "pgpgout 9\n": 0} {
		if have, err := parseSwapOut([]byte(text)); have != want || err != nil {
			t.Errorf("%q: have %d, error %v, want %d", text, have, err, want)
		}
	}
	if have, err := parseSwapOut([]byte("pswpout many\n")); err == nil {
		t.Errorf("have %d, want an error", have)
	}
}

func TestSwapRate(t *testing.T) {
	t.Parallel()
	var s swapRate
	start := time.Unix(1000, 0)
	for _, step := range []struct {
		after time.Duration
		pages int64
		want  int64
	}{
		{0, 1 << 40, 0}, // What was swapped before RQD started says nothing of now.
		{10 * time.Second, 1<<40 + 100, 10},
		{10*time.Second + time.Millisecond, 1<<40 + 500, 10}, // Too soon to tell.
		{20 * time.Second, 1<<40 + 100, 0},
		{21 * time.Second, 1 << 62, math.MaxInt32},
		{22 * time.Second, 5, 0}, // A counter that starts again.
	} {
		if have := s.observe(step.pages, start.Add(step.after)); have != step.want {
			t.Errorf("after %v with %d pages: have %d, want %d", step.after, step.pages, have, step.want)
		}
	}
}

func TestSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	have, err := spaceOf(FS("/"), dir)
	if err != nil || have.total <= 0 || have.free < 0 || have.free > have.total {
		t.Errorf("have %+v, error %v, want a file system's size", have, err)
	}
	if _, err := spaceOf(FS(dir), "/nowhere"); err != nil {
		t.Errorf("have error %v, want the root's size", err)
	}
	if _, err := spaceOf(FS(dir+"/nowhere"), "/tmp"); err == nil {
		t.Error("have no error where nothing can be measured")
	}
	if _, err := os.Stat("/proc/self"); err == nil {
		// proc is a file system without a size.
		if have, err := spaceOf(FS("/"), "/proc"); err != nil || have.total <= 0 {
			t.Errorf("have %+v, error %v, want the root's size", have, err)
		}
	}
}

func TestTempPath(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fs   FS
		dir  string
		want string
	}{
		"default":    {FS(t.TempDir()), "", "/tmp/"},
		"given":      {FS(t.TempDir()), "/scratch", "/scratch/"},
		"with slash": {FS(t.TempDir()), "/scratch/", "/scratch/"},
		"mcp":        {root(t, map[string]string{"mcp/x": ""}), "/scratch", "/mcp/"},
		"mcp a file": {root(t, map[string]string{"mcp": ""}), "/scratch", "/scratch/"},
	} {
		if have := tempPath(tc.fs, tc.dir); have != tc.want {
			t.Errorf("%s: have %q, want %q", name, have, tc.want)
		}
	}
}

// FuzzFigures wants the readers of /proc to take any text, and no figure that a report could not carry.
func FuzzFigures(f *testing.F) {
	for _, name := range []string{"meminfo", "loadavg", "stat", "vmstat"} {
		text, err := os.ReadFile("testdata/host/proc/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := parseMeminfo(text); err == nil && (m.total <= 0 || m.idle() < 0 || m.totalSwap < 0 || m.freeSwap < 0) {
			t.Errorf("have memory %+v", m)
		}
		if load, err := parseLoadavg(text); err == nil && reportedLoad(load, 1, 0) < 0 {
			t.Errorf("have load %d", load)
		}
		if boot, err := parseBootTime(text); err == nil && boot <= 0 {
			t.Errorf("have boot time %d", boot)
		}
		if pages, err := parseSwapOut(text); err == nil && pages < 0 {
			t.Errorf("have %d pages", pages)
		}
	})
}
