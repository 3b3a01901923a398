package cli

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/rqdcore/minicue/farm"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), have); diff != "" {
		t.Errorf("%s (-want +have):\n%s", name, diff)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := printHosts(&out, []farm.HostView{
		{Name: "render01", State: farm.Up, Lock: farm.Open, OS: []string{"rocky9", "centos7"}, Cores: 3200, Booked: 150, Reported: farm.Cores{Locked: 200}, Memory: 66060288, FreeMemory: 60000000, GPUs: 2, Frames: 2, Age: 4.2},
		{Name: "a-host-with-a-long-name", State: farm.Repair, Lock: farm.Locked, OS: []string{"debian12"}, Cores: 200, Memory: 3 << 20, FreeMemory: 900 << 10, Age: 75, Note: "in REPAIR", Doubts: []string{"tag too long"}},
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "hosts.golden", out.String())
	out.Reset()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	if err := printFrames(&out, []farm.FrameView{
		{ID: "63f19e41-440d-4d4d", Name: "0001-render", Job: "demo-test-artist_run", State: farm.Succeeded, Host: "render01", Runs: 1, Seconds: 61.4, MaxRSS: 53 << 10, Started: at},
		{ID: "4e3315f4-ffd1-4f6c", Name: "0002-render", Job: "demo-test-artist_run", State: farm.Dead, Host: "render01", Runs: 2, Status: 1, Signal: 9, Seconds: 0.4, Killed: true},
		{ID: "438f3b6a-eb2e-44bf", Name: "0003-render", Job: "demo-test-artist_run", State: farm.InFlight, Host: "render01", Status: -1, Seconds: 3},
		{ID: "888f2506-2f10-46ce", Name: "0004-render", Job: "demo-test-artist_run", State: farm.Waiting, Status: -1, Waiting: "no host has reported yet"},
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "frames.golden", out.String())
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind           farm.EventKind
		status, signal int32
		want           int
	}{
		{farm.EventDone, 0, 9, 0},
		{farm.EventFailed, 3, 0, 3},
		{farm.EventFailed, 255, 0, 255},
		{farm.EventFailed, 137, 0, 137},
		{farm.EventFailed, 1, 11, 139},
		{farm.EventFailed, 256, 0, 1},
		{farm.EventFailed, 287, 0, 1},
		{farm.EventFailed, -1, 0, 1},
		{farm.EventFailed, 1, 256, 1},
		{farm.EventKilled, 1, 9, 137},
		{farm.EventKilled, 1, 15, 143},
		{farm.EventKilled, 506, 0, 137},
		{farm.EventKilled, 301, 0, 137},
	} {
		if have := exitCode(farm.Event{Kind: c.kind, Status: c.status, Signal: c.signal}); have != c.want {
			t.Errorf("%s (%d,%d): want %d, have %d", c.kind, c.status, c.signal, c.want, have)
		}
	}
}

func TestMemoryAndCores(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]memory{"512m": 512 << 10, "1.5g": 3 << 19, "2GiB": 2 << 20, "1 GB": 1 << 20, "100k": 100, "1t": 1 << 30, "0.5K": 1} {
		var have memory
		if err := have.UnmarshalText([]byte(in)); err != nil || have != want {
			t.Errorf("%q: want %d KiB, have %d, %v", in, want, have, err)
		}
	}
	for _, in := range []string{"", "512", "g", "-1g", "1x", "NaNg", "infg", "99999t"} {
		var m memory
		if err := m.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q: want an error, have %d", in, m)
		}
	}
	for in, want := range map[string]cores{"1": 100, "0.5": 50, "1.5": 150, "0.29": 29} {
		var have cores
		if err := have.UnmarshalText([]byte(in)); err != nil || have != want {
			t.Errorf("%q: want %d, have %d, %v", in, want, have, err)
		}
	}
	for _, in := range []string{"", "0", "-1", "two", "NaN", "1e9"} {
		var c cores
		if err := c.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q: want an error, have %d", in, c)
		}
	}
}

// TestQuotingSurvivesARealShell has sh take the quoted arguments apart again.
func TestQuotingSurvivesARealShell(t *testing.T) {
	t.Parallel()
	args := []string{"printf", `%s\n`, "plain", "two words", "it's", `"`, `\`, "$HOME", "`id`", "a\nb", "", "*", "ünï", "~", "#x", "!"}
	out, err := exec.Command("/bin/sh", "-c", commandLine(args)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(args[2:], "\n") + "\n"; string(out) != want {
		t.Errorf("want %q, have %q", want, out)
	}
}

func TestFollower(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.rqlog")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	rotate := func() {
		t.Helper()
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	want := func(text string) {
		t.Helper()
		if out.String() != text {
			t.Errorf("want %q, have %q", text, out.String())
		}
	}
	write("of a run before\n")
	f := newFollower(path, &out)
	defer f.close()
	f.poll()
	want("")
	if f.unseen() != "not rewritten by this run" {
		t.Errorf("have %q", f.unseen())
	}
	rotate()
	f.poll()
	if f.unseen() != "not visible from here" {
		t.Errorf("have %q", f.unseen())
	}
	write("one ")
	f.poll()
	want("one ")
	write("line\n")
	f.poll()
	want("one line\n")
	write("last words\n")
	rotate()
	write("second run\n")
	f.poll()
	want("one line\nlast words\nsecond run\n")
	f.poll()
	want("one line\nlast words\nsecond run\n")
	if f.unseen() != "" {
		t.Errorf("have %q", f.unseen())
	}
}

func TestTerminalGetsColoursAndAMovingLine(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	job := farm.JobView{Name: "j", LogDir: "/logs", Cores: 100, Memory: 1 << 20, Frames: []farm.FrameView{{Name: "0001-render"}, {Name: "0002-render"}}}
	p := newProgress(&out, job, farm.Job{})
	p.tty = true
	p.begin()
	p.event(farm.Event{Kind: farm.EventStarted, Frame: "0001-render", Host: "h"})
	p.event(farm.Event{Kind: farm.EventDone, Frame: "0001-render", Host: "h", Seconds: 1, Final: true})
	p.end([]farm.Event{{Kind: farm.EventDone}, {Kind: farm.EventDone}}, time.Second)
	wantText(t, "terminal", out.String(),
		"2 frames, 1 core, 1 GiB each\n",
		"\r\x1b[K\x1b[90m0 of 2 over, 1 running, 1 waiting\x1b[0m",
		"\x1b[32mdone\x1b[0m on h in 1.0s\n",
		"1 of 2 over, 0 running, 1 waiting",
		"\r\x1b[K2 of 2 frames done in 1.0s\n")
}

func TestSizesForPeople(t *testing.T) {
	t.Parallel()
	for kib, want := range map[int64]string{5: "5 KiB", 1 << 10: "1 MiB", 1 << 20: "1 GiB", 3 << 19: "1.5 GiB", 66060288: "63 GiB"} {
		if have := mib(kib); have != want {
			t.Errorf("%d: want %s, have %s", kib, want, have)
		}
	}
	for s, want := range map[float64]string{0.04: "0.0s", 59.94: "59.9s", 60: "1m", 61.4: "1m1s", 3600: "1h0m"} {
		if have := seconds(s); have != want {
			t.Errorf("%g: want %s, have %s", s, want, have)
		}
	}
}
