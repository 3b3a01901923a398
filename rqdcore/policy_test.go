package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/config"
	"rqdswarm/rqdcore/machine"
	"rqdswarm/rqdcore/report"
	"rqdswarm/rqdcore/runner"
)

// configured is the configuration of a file with these lines in [Override].
func configured(t *testing.T, override string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rqd.conf")
	text := "[Override]\nOVERRIDE_HOSTNAME=node7\n" + override + "\n[docker.config]\nRUN_ON_DOCKER=True\nDOCKER_SHELL_PATH=/bin/bash\nDOCKER_GPU_MODE=True\n" +
		"DOCKER_CAP_ADD=SYS_NICE\nDOCKER_SHM_SIZE=2g\nFRAME_GROUPS=4000\nDOCKER_PID_MODE=host\nDOCKER_NETWORK_MODE=bridge\n" +
		"[docker.images]\nrocky9=r:1\ncentos7=c:1\n[docker.mounts]\nNET=type:bind,source:/net,target:/net\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(config.Source{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func factsOf(t *testing.T, cfg *config.Config) *machine.Machine {
	t.Helper()
	m, err := machine.New("machine/testdata/host", (&builder{cfg: cfg}).machineOptions())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPolicyFollowsTheFile joins the keys of rqd.conf to what frames get.
func TestPolicyFollowsTheFile(t *testing.T) {
	t.Parallel()
	cfg := configured(t, "OVERRIDE_IS_DESKTOP=True\nLAUNCH_FRAME_USER_GID=100\nRQD_CUSTOM_HOME_PREFIX=/home\nRQD_CUSTOM_MAIL_PREFIX=/mail\n"+
		"RQD_PREPEND_TIMESTAMP=True\nJOB_LOG_MAX_SIZE_IN_BYTES=5\nFRAME_LEASE_SECONDS=100\nKILL_GRACE_SECONDS=3\n")
	run := engine.Mount{Type: engine.MountVolume, Source: "rqd-run"}
	have := policyOf(cfg, factsOf(t, cfg), run, "frameinit-1", nil)
	want := runner.Policy{
		HostName: "node7", Namespaces: runner.Namespaces{PID: "host", Network: "bridge"},
		Images: []runner.Image{{OS: "rocky9", Reference: "r:1"}, {OS: "centos7", Reference: "c:1"}},
		Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/net", Target: "/net"}},
		Run:    run, FrameInit: "frameinit-1", ShellPath: "/bin/bash", WorkingDir: "/tmp",
		Identity:  runner.Identity{DefaultGID: 100, DaemonUID: daemonUID("/etc/passwd"), Groups: []int{4000}, Nice: 10},
		Env:       runner.Environment{TimeZone: frameTimeZone(time.Now()), HomePrefix: "/home", MailPrefix: "/mail", HyperThreads: true, Named: map[string]string{}},
		Container: runner.Container{GPUs: true, CapAdd: []string{"SYS_NICE"}, ShmSize: 2 << 30},
		Log:       runner.Log{Timestamps: true, MaxBytes: 5},
		Lease:     100 * time.Second, KillGrace: 3 * time.Second,
	}
	ignore := []cmp.Option{cmpopts.IgnoreFields(runner.Environment{}, "FreeGPU"), cmpopts.IgnoreFields(runner.Log{}, "Location")}
	if diff := cmp.Diff(want, have, ignore...); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
	cfg = configured(t, "")
	if have := policyOf(cfg, factsOf(t, cfg), run, "", nil); have.Identity.Nice != 0 || have.Log.Timestamps || have.Lease != 240*time.Second {
		t.Errorf("have %+v, want the defaults of an empty file", have)
	}
}

func TestPolicyTakesRQDsVariables(t *testing.T) {
	t.Parallel()
	own := []string{"PATH=/opt/bin", "LICENCE=a=b", "SECRET=x"}
	for name, tc := range map[string]struct {
		override string
		want     runner.Environment
	}{
		"none":  {"", runner.Environment{}},
		"path":  {"RQD_USE_PATH_ENV_VAR=True", runner.Environment{Path: "/opt/bin"}},
		"named": {"[UseHostEnvVar]\nLICENCE", runner.Environment{Named: map[string]string{"LICENCE": "a=b"}}},
		"all": {"RQD_USE_ALL_HOST_ENV_VARS=True", runner.Environment{
			All: map[string]string{"PATH": "/opt/bin", "LICENCE": "a=b", "SECRET": "x"},
		}},
		"named beats all": {"RQD_USE_ALL_HOST_ENV_VARS=True\n[UseHostEnvVar]\nLICENCE", runner.Environment{Named: map[string]string{"LICENCE": "a=b"}}},
	} {
		cfg := configured(t, tc.override)
		have := environmentOf(cfg, factsOf(t, cfg), own)
		tc.want.TimeZone, tc.want.HyperThreads = have.TimeZone, true
		if diff := cmp.Diff(tc.want, have, cmpopts.IgnoreFields(have, "FreeGPU"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: want (-), have (+):\n%s", name, diff)
		}
	}
}

func TestDaemonUID(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "passwd")
	for text, want := range map[string]int{
		"root:x:0:0::/:/bin/sh\ndaemon:x:2:2::/:/bin/sh\n": 2, "root:x:0:0::/:/bin/sh\n": 1, "daemon:x:0:0\n": 1, "daemon\n": 1,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if have := daemonUID(path); have != want {
			t.Errorf("%q: have %d, want %d", text, have, want)
		}
	}
	if have := daemonUID("/nowhere"); have != 1 {
		t.Errorf("no file: have %d, want 1", have)
	}
}

func TestFrameTimeZone(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{"IST": "IST", "CET": "PST8PDT"} {
		if have := frameTimeZone(time.Now().In(time.FixedZone(zone, 0))); have != want {
			t.Errorf("%s: have %s, want %s", zone, have, want)
		}
	}
}

// TestMachineFollowsTheFile joins the keys of rqd.conf to what is reported.
func TestMachineFollowsTheFile(t *testing.T) {
	t.Parallel()
	cfg := configured(t, "RQD_TAGS=gpu big\nOVERRIDE_IS_DESKTOP=True\nDEFAULT_FACILITY=lax\nRQD_USE_IP_AS_HOSTNAME=False\nRQD_USE_IPV6_AS_HOSTNAME=True\n"+
		"RQD_NETWORK_INTERFACE=eth1\nOVERRIDE_CORES=4\nOVERRIDE_PROCS=2\nOVERRIDE_MEMORY=8388608\nLOAD_MODIFIER=5\nOVERRIDE_CUEBOT=cue1 cue2\n")
	cfg.TempDir = "/scratch"
	want := machine.Options{
		Version: "dev", Tags: []string{"gpu", "big"}, Desktop: true, Facility: "lax", SPOS: "rocky9,centos7", HostName: "node7",
		UseIPv6: true, NetworkInterface: "eth1", OverrideCores: 4, OverrideProcs: 2, OverrideMemory: 8388608, LoadModifier: 5,
		TempDir: "/scratch", Cuebot: "cue1:8443",
	}
	have := (&builder{cfg: cfg}).machineOptions()
	have.Version = "dev"
	if diff := cmp.Diff(want, have, cmpopts.IgnoreFields(want, "Network")); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
	if cfg := configured(t, "GPU=True"); (&builder{parts: &parts{}, cfg: cfg}).machineOptions().GPU == nil {
		t.Error("GPU=True: have nobody to ask for cards")
	}
	if e := endpoint(cfg); e.Interface != "eth1" || !e.IPv6 || e.Port != 8444 {
		t.Errorf("have endpoint %+v", e)
	}
}

// TestLeaseEndsBeforeCuebotBooks adds up the defaults: a frame without RQD has ended before its host is down for Cuebot.
func TestLeaseEndsBeforeCuebotBooks(t *testing.T) {
	t.Parallel()
	cfg := configured(t, "")
	if sum := cfg.FrameLease + cfg.KillGrace + report.LongestGap; sum >= 300*time.Second {
		t.Errorf("lease, grace and the longest gap of reports make %s, Cuebot waits 300 s", sum)
	}
	if config.ReportGap != report.LongestGap {
		t.Errorf("rqd.conf is checked with a gap of %s, reports come %s apart", config.ReportGap, report.LongestGap)
	}
}
