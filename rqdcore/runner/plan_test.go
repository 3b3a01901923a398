package runner

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/frame"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func testPolicy() Policy {
	return Policy{
		HostName: "render01", Images: []Image{{"rocky9", "registry:5000/rocky9:4"}, {"centos7", "centos7:1"}},
		Namespaces: Namespaces{Network: "host"},
		Mounts:     []engine.Mount{{Type: engine.MountBind, Source: "/net", Target: "/net", Propagation: "slave"}},
		Run:        engine.Mount{Type: engine.MountVolume, Source: "rqd-run"}, FrameInit: "frameinit-0123456789ab",
		ShellPath: "/bin/sh", WorkingDir: "/tmp", Identity: Identity{DefaultGID: 20, DaemonUID: 1, Groups: []int{4000}},
		Env: Environment{TimeZone: "PST8PDT"}, Lease: 280 * time.Second, KillGrace: 2 * time.Second,
		Log: Log{Location: time.UTC, MaxBytes: 1 << 30},
	}
}

func testPromise(f frame.Frame, r frame.Reservation) Promise {
	p := NewPromise(f, r, time.Unix(1800000000, 0).UTC())
	p.Token, p.Container = "secret", "rqd-frame-0001-beauty-01234567"
	return p
}

func TestPlanGolden(t *testing.T) {
	t.Parallel()
	gpus := testPolicy()
	gpus.Container.GPUs = true
	privileged := testPolicy()
	privileged.Container = Container{Privileged: true, ShmSize: 64 << 20, ExtraHosts: []string{"lic:10.0.0.5"}}
	privileged.Namespaces.PID = "host"
	capable := testPolicy()
	capable.Container.CapAdd = []string{"SYS_PTRACE", "SYS_NICE"}
	for name, tc := range map[string]struct {
		policy Policy
		res    frame.Reservation
	}{
		"ordinary":   {testPolicy(), frame.Reservation{Cores: 200}},
		"pinned-gpu": {gpus, frame.Reservation{Cores: 200, CPUs: []int{0, 1, 4, 5}, GPUs: []int{1}}},
		"privileged": {privileged, frame.Reservation{Cores: 200}},
		"capable":    {capable, frame.Reservation{Cores: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, err := tc.policy.Plan(testPromise(testFrame(), tc.res))
			if err != nil {
				t.Fatal(err)
			}
			have, err := json.MarshalIndent(plan, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "plan-"+name+".json")
			if *update {
				if err := os.WriteFile(golden, append(have, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(have)); diff != "" {
				t.Errorf("want- have+\n%s", diff)
			}
		})
	}
}

func TestPlanRefusals(t *testing.T) {
	t.Parallel()
	rooted := testPolicy()
	rooted.Identity.DefaultGID = 0
	unknown := testFrame()
	unknown.OS = "windows"
	for name, tc := range map[string]struct {
		policy Policy
		frame  frame.Frame
		want   []string
	}{
		"unknown os names those there are": {testPolicy(), unknown, []string{`"windows"`, "rocky9, centos7"}},
		"gid 0":                            {rooted, testFrame(), []string{"gid 0", "LAUNCH_FRAME_USER_GID"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.policy.Plan(testPromise(tc.frame, frame.Reservation{}))
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("have %v, want it to say %s", err, want)
				}
			}
		})
	}
}

func TestPlanImage(t *testing.T) {
	t.Parallel()
	for os, want := range map[string]string{"": "registry:5000/rocky9:4", "rocky9": "registry:5000/rocky9:4", "centos7": "centos7:1"} {
		f := testFrame()
		f.OS = os
		plan, err := testPolicy().Plan(testPromise(f, frame.Reservation{}))
		if err != nil || plan.Spec.Image != want {
			t.Errorf("os %q: have %s (%v), want %s", os, plan.Spec.Image, err, want)
		}
	}
}

func TestPlanLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ soft, hard, wantSoft, wantHard int64 }{
		"KiB are 1024 bytes":          {1600000, 2000000, 1600000 << 10, 2000000 << 10},
		"nothing given":               {0, 0, 1 << 30, 2 << 30},
		"below the engine's least":    {6144, 6144, 1 << 30, 2 << 30},
		"soft above hard is cut":      {3000000, 2000000, 2000000 << 10, 2000000 << 10},
		"default soft above own hard": {0, 500000, 500000 << 10, 500000 << 10},
	} {
		f := testFrame()
		f.SoftMemory, f.HardMemory = tc.soft, tc.hard
		l := testPolicy().limits(f, frame.Reservation{})
		if l.Memory != tc.wantHard || l.MemoryReservation != tc.wantSoft || l.ShmSize != tc.wantHard {
			t.Errorf("%s: have %+v, want soft %d and hard %d", name, l, tc.wantSoft, tc.wantHard)
		}
	}
}

func TestPlanUser(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		uid     *int32
		gid     int32
		wantUID int
		wantGID int
	}{
		"artist":           {new(int32(1500)), 0, 1500, 20},
		"own group":        {new(int32(1500)), 400, 1500, 400},
		"no uid":           {nil, 0, 1, 20},
		"system account":   {new(int32(999)), 0, 1, 20},
		"beyond the users": {new(int32(60001)), 0, 1, 20},
		"last user":        {new(int32(60000)), 0, 60000, 20},
	} {
		f := testFrame()
		f.UID, f.GID = tc.uid, tc.gid
		uid, gid := testPolicy().Identity.user(f)
		if uid != tc.wantUID || gid != tc.wantGID {
			t.Errorf("%s: have %d:%d, want %d:%d", name, uid, gid, tc.wantUID, tc.wantGID)
		}
	}
}

func TestPromiseRoundTrip(t *testing.T) {
	t.Parallel()
	p := NewPromise(testFrame(), frame.Reservation{Cores: 200, CPUs: []int{0, 4}}, time.Unix(1800000000, 0).UTC())
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	have, err := ParsePromise(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, have); diff != "" {
		t.Errorf("want- have+\n%s", diff)
	}
	for _, broken := range []string{"", "{", "{}", `{"version": 2}`, `{"version": 1, "frame": {"frame_id": "f"}}`} {
		if _, err := ParsePromise([]byte(broken)); err == nil {
			t.Errorf("%q was taken for a promise", broken)
		}
	}
}

func TestContainerNamesAreLegal(t *testing.T) {
	t.Parallel()
	f := testFrame()
	seen := make(map[string]bool)
	for _, name := range []string{"0001-beauty", "", "ümlaut/../x y", strings.Repeat("x", 300)} {
		f.Name = name
		c := NewPromise(f, frame.Reservation{}, time.Now()).Container
		legal := !slices.ContainsFunc([]rune(c), func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", r)
		})
		if !legal || len(c) > 63 || seen[c] {
			t.Errorf("frame %q: container name %q is not legal or not unique", name, c)
		}
		seen[c] = true
	}
}

// TestPlanLoki has no rule of log files for what is no file.
func TestPlanLoki(t *testing.T) {
	t.Parallel()
	policy := testPolicy()
	policy.Log.Timestamps = true
	for url, want := range map[string]Log{"": {Timestamps: true, MaxBytes: 1 << 30}, "http://loki:3100": {}} {
		f := testFrame()
		f.LokiURL = url
		plan, err := policy.Plan(testPromise(f, frame.Reservation{}))
		if have := (Log{Timestamps: plan.Order.Timestamps, MaxBytes: plan.Order.LogMaxBytes}); err != nil || have != want {
			t.Errorf("loki %q: have %+v (%v), want %+v", url, have, err, want)
		}
	}
}
