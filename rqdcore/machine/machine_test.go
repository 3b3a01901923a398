package machine

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/frame"
)

// probe is a GPUProbe that says what its test wants next.
type probe struct {
	answer atomic.Pointer[func() ([]GPU, error)]
}

func (p *probe) GPUs(context.Context) ([]GPU, error) { return (*p.answer.Load())() }

func (p *probe) say(list []GPU, err error) {
	answer := func() ([]GPU, error) { return list, err }
	p.answer.Store(&answer)
}

func TestHost(t *testing.T) {
	t.Parallel()
	card := &probe{}
	card.say([]GPU{{ID: 0, Total: 1000, Free: 400}, {ID: 1, Total: 2000, Free: 2000}}, nil)
	m, err := New("testdata/host", Options{
		Version: "1.2", Tags: []string{"big"}, Facility: "lax", SPOS: "rocky9,centos7", HostName: "node7", LoadModifier: 1, TempDir: "/tmp", GPU: card,
	})
	if err != nil {
		t.Fatal(err)
	}
	have, err := m.Host()
	if err != nil {
		t.Fatal(err)
	}
	if have.TotalMCP <= 0 || have.FreeMCP < 0 {
		t.Errorf("have %d of %d KiB free, want the file system's", have.FreeMCP, have.TotalMCP)
	}
	want := frame.Host{
		Name: "node7", Facility: "lax", Sockets: 2, CoresPerProc: 200,
		TotalSwap: 8388604, FreeSwap: 8000000, TotalMemory: 65701040, FreeMemory: 32345678, TotalMCP: have.TotalMCP, FreeMCP: have.FreeMCP,
		Load: 1020, BootTime: 1754042400, Tags: []string{"rqdv-1.2", "big", "64bit", "5.14.0-362.8.1.el9_3.x86_64"}, State: frame.HostUp,
		Attributes: map[string]string{"SP_OS": "rocky9,centos7", "hyperthreadingMultiplier": "2", "swapout": "0"},
		GPUs:       2, TotalGPU: 3000, FreeGPU: 2400,
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
	have.Tags[0], have.Attributes["SP_OS"] = "changed", "changed"
	if again, _ := m.Host(); again.Tags[0] != "rqdv-1.2" || again.Attributes["SP_OS"] != "rocky9,centos7" {
		t.Errorf("have %v after a caller changed its copy", again)
	}
	if m.Name() != "node7" || m.TempPath() != "/tmp/" || m.Topology().Total != 400 || len(m.GPUs()) != 2 || m.FreeGPU() != 2400 || len(m.Warnings()) != 0 {
		t.Errorf("have name %q, temp %q, topology %+v, GPUs %v, warnings %v", m.Name(), m.TempPath(), m.Topology(), m.GPUs(), m.Warnings())
	}
}

func TestOverrideMemory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ given, total, free int64 }{
		{1 << 20, 1 << 20, 1 << 20},
		{100 << 20, 100 << 20, 32345678},
	} {
		m, err := New("testdata/host", Options{HostName: "n", OverrideMemory: tc.given, TempDir: "/tmp"})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // The Python RQD forgets it at the first refresh.
			h, err := m.Host()
			if err != nil || h.TotalMemory != tc.total || h.FreeMemory != tc.free {
				t.Errorf("given %d: have %d free of %d, error %v, want %d of %d", tc.given, h.FreeMemory, h.TotalMemory, err, tc.free, tc.total)
			}
		}
	}
}

// TestHostIsFresh reads a machine whose figures change, and one whose files go away.
func TestHostIsFresh(t *testing.T) {
	t.Parallel()
	fs := root(t, map[string]string{
		"proc/cpuinfo": "processor: 0\n", "proc/stat": "btime 100\n", "proc/sys/kernel/osrelease": "6.1\n", "proc/vmstat": "pswpout 0\n",
		"proc/meminfo": "MemTotal: 100 kB\nMemFree: 50 kB\n", "proc/loadavg": "1.00 0 0 1/1 1\n",
	})
	m, err := New(fs, Options{HostName: "n"})
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(fs.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/meminfo", "MemTotal: 100 kB\nMemFree: 10 kB\n")
	write("proc/loadavg", "2.50 0 0 1/1 1\n")
	write("proc/stat", "btime 200\n")
	h, err := m.Host()
	if err != nil || h.FreeMemory != 10 || h.Load != 250 || h.BootTime != 100 {
		t.Errorf("have %+v, error %v, want fresh memory and load and the boot time of the start", h, err)
	}
	write("proc/meminfo", "MemTotal: lots\n")
	if _, err := m.Host(); err == nil || !strings.Contains(err.Error(), "proc/meminfo: MemTotal") {
		t.Errorf("have error %v, want one that names the file", err)
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	whole := map[string]string{
		"proc/cpuinfo": "processor: 0\n", "proc/stat": "btime 100\n", "proc/sys/kernel/osrelease": "6.1\n", "proc/vmstat": "pswpout 0\n",
		"proc/meminfo": "MemTotal: 100 kB\n", "proc/loadavg": "1.00 0 0 1/1 1\n",
	}
	for missing := range whole {
		files := make(map[string]string)
		for name, text := range whole {
			if name != missing {
				files[name] = text
			}
		}
		if _, err := New(root(t, files), Options{HostName: "n"}); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: have error %v, want one that names it", missing, err)
		}
	}
}

// TestRealMachine reads the machine that runs the test.
func TestRealMachine(t *testing.T) {
	t.Parallel()
	m, err := New("/", Options{Version: "dev", HostName: "n", TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h, err := m.Host()
	if err != nil || h.TotalMemory <= 0 || h.TotalMCP <= 0 || h.BootTime <= 0 || m.Topology().Total <= 0 || h.Sockets < 1 || h.CoresPerProc <= 0 {
		t.Errorf("have %+v, topology %+v, error %v", h, m.Topology(), err)
	}
}

// TestRun lets the graphics cards fail at the start and later, and come back each time.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		card := &probe{}
		card.say(nil, errors.New("driver is loading"))
		m, err := New("testdata/host", Options{HostName: "n", TempDir: "/tmp", GPU: card})
		if err != nil {
			t.Fatal(err)
		}
		if w := m.Warnings(); len(w) != 1 || !strings.Contains(w[0], "driver is loading") {
			t.Errorf("have warnings %v, want one of the cards", w)
		}
		var log strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx, zerolog.New(&log)) }()
		step := func(list []GPU, err error, want int) {
			card.say(list, err)
			time.Sleep(probeInterval)
			synctest.Wait()
			if h, err := m.Host(); err != nil || int(h.GPUs) != want {
				t.Errorf("have %d GPUs, error %v, want %d", h.GPUs, err, want)
			}
		}
		step([]GPU{{ID: 0, Total: 10, Free: 5}}, nil, 1)
		step(nil, errors.New("card fell off the bus"), 1)
		step(nil, errors.New("card fell off the bus"), 1)
		step([]GPU{{ID: 0, Total: 10, Free: 9}}, nil, 1)
		if free := m.GPUs()[0].Free; free != 9 {
			t.Errorf("have %d free, want the last answer's", free)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("have error %v, want none", err)
		}
		if n := strings.Count(log.String(), "\n"); n != 3 {
			t.Errorf("have %d lines, want one for each change:\n%s", n, &log)
		}
	})
}
