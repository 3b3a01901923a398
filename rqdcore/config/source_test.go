package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPathPrecedence(t *testing.T) {
	t.Parallel()
	tagged := func(tag string) string { return write(t, "[Override]\nRQD_TAGS="+tag+images) }
	argument, variable, standard := tagged("argument"), tagged("variable"), tagged("standard")
	for name, tc := range map[string]struct {
		src  Source
		want string
	}{
		"-c wins":                {Source{Path: argument, Environ: []string{"RQD_CONFIG_FILE=" + variable}, DefaultPath: standard}, "argument"},
		"then RQD_CONFIG_FILE":   {Source{Environ: []string{"RQD_CONFIG_FILE=" + variable}, DefaultPath: standard}, "variable"},
		"then the default":       {Source{DefaultPath: standard}, "standard"},
		"an empty one is no one": {Source{Environ: []string{"RQD_CONFIG_FILE="}, DefaultPath: standard}, "standard"},
	} {
		c, _, err := Load(tc.src)
		if err != nil {
			t.Fatalf("%s: have error %v", name, err)
		}
		if len(c.Tags) != 1 || c.Tags[0] != tc.want {
			t.Errorf("%s: have tags %v, want %q", name, c.Tags, tc.want)
		}
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "rqd.conf")
	withImages := "OVERRIDE_DOCKER_IMAGES= a = registry:5000/x:1 , b=y "
	c, warnings, err := Load(Source{DefaultPath: none, Environ: []string{withImages}})
	if err != nil {
		t.Fatalf("have error %v, want defaults", err)
	}
	if diff := cmp.Diff([]Image{{"a", "registry:5000/x:1"}, {"b", "y"}}, c.Docker.Images); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
	if c.Path != "" || len(c.Cuebots) != 1 || c.Cuebots[0] != "localhost:8443" || c.GRPCPort != 8444 {
		t.Errorf("have %+v, want defaults", c)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0].String(), "[docker.config] RUN_ON_DOCKER: is not True") {
		t.Errorf("have warnings %v, want one of RUN_ON_DOCKER", warnings)
	}
	for name, tc := range map[string]struct {
		src  Source
		want string
	}{
		"no images":             {Source{DefaultPath: none}, "no images: RQD runs frames in containers only; want at least one line OS=IMAGE in [docker.images] of rqd.conf (no file was read)"},
		"named by -c":           {Source{Path: none, Environ: []string{withImages}}, none + ": configuration cannot be read (-c): no such file"},
		"named by the variable": {Source{Environ: []string{withImages, "RQD_CONFIG_FILE=" + none}}, none + ": configuration cannot be read (RQD_CONFIG_FILE): no such file"},
		"a directory":           {Source{DefaultPath: filepath.Dir(none), Environ: []string{withImages}}, "is a directory"},
	} {
		_, _, err := Load(tc.src)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: have error %v, want one line with %q", name, err, tc.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	text := "[Override]\nOVERRIDE_CUEBOT=mine:1\nFRAME_LEASE_SECONDS=100" + images
	c, _ := mustLoad(t, text, "CUEBOT_HOSTNAME=theirs", "FRAME_LEASE_SECONDS=0", "KILL_GRACE_SECONDS=9", "RQD_RUN_DIR=/r", "RQD_STATE_DIR=/s",
		"DOCKER_GPU_MODE=1", "TMP=/tmp1", "TEMP=/tmp2", "TMPDIR=/tmp3")
	if c.Cuebots[0] != "mine:1" {
		t.Errorf("have Cuebot %q, want the file's", c.Cuebots[0])
	}
	if c.FrameLease != 0 || c.KillGrace != 9*time.Second || c.RunDir != "/r" || c.StateDir != "/s" || !c.Docker.GPUMode || c.TempDir != "/tmp3" {
		t.Errorf("have %+v, want the environment's values", c)
	}
}

// TestEmptyVariables: `NAME=${NAME:-}` in a compose file sets nothing.
func TestEmptyVariables(t *testing.T) {
	t.Parallel()
	c, _ := mustLoad(t, "[Override]\nFRAME_LEASE_SECONDS=100"+images, "FRAME_LEASE_SECONDS=", "KILL_GRACE_SECONDS= ", "RQD_RUN_DIR=", "RQD_STATE_DIR=",
		"DOCKER_GPU_MODE=", "CUEBOT_HOSTNAME=", "OVERRIDE_DOCKER_IMAGES=", "TMPDIR=")
	want, _ := mustLoad(t, "[Override]\nFRAME_LEASE_SECONDS=100"+images)
	want.Path = c.Path
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(Config{}, Docker{})); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
}

// TestVariableBeatsSection: OVERRIDE_DOCKER_IMAGES stands instead of [docker.images], not beside it.
func TestVariableBeatsSection(t *testing.T) {
	t.Parallel()
	c, _ := mustLoad(t, images, "OVERRIDE_DOCKER_IMAGES=a=x,b=y")
	if diff := cmp.Diff([]Image{{"a", "x"}, {"b", "y"}}, c.Docker.Images); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"unknown key":            {"[Override]\nOVERRIDE_CORE=3", []string{"rqd.conf:2: [Override] OVERRIDE_CORE: is not a key that RQD knows and has no effect, perhaps OVERRIDE_CORES is meant"}},
		"wrong case":             {"[Override]\noverride_cores=3", []string{"perhaps OVERRIDE_CORES is meant"}},
		"nothing near":           {"[Override]\nFROBNICATE=3", []string{"FROBNICATE: is not a key that RQD knows and has no effect"}},
		"key of another section": {"[Override]\nDOCKER_SHELL_PATH=/bin/bash", []string{"DOCKER_SHELL_PATH: has no effect here; want it in [docker.config]"}},
		"nimby":                  {"[Override]\nOVERRIDE_NIMBY=True\nUSE_NIMBY_PYNPUT=True", []string{`OVERRIDE_NIMBY: "True" has no effect: this RQD has no nimby`}},
		"nimby off":              {"[Override]\nOVERRIDE_NIMBY=False\nRQD_BECOME_JOB_USER=0\nSENTRY_DSN_PATH=https://x\nSP_OS\nMINIMUM_IDLE=x", nil},
		"backup cache":           {"[Override]\nBACKUP_CACHE_PATH=/a\nBACKUP_CACHE_TIME_TO_LIVE_SECONDS=60", []string{"BACKUP_CACHE_PATH: is no longer needed"}},
		"job user":               {"[Override]\nRQD_BECOME_JOB_USER=True", []string{"frames always run as the job's user"}},
		"lease":                  {"[Override]\nFRAME_LEASE_SECONDS=258", []string{"FRAME_LEASE_SECONDS: 258 s, KILL_GRACE_SECONDS=2 and the age of the last report, up to 40 s, make 300 s: want less"}},
		"longest lease":          {"[Override]\nFRAME_LEASE_SECONDS=257", nil},
		"no lease":               {"[Override]\nFRAME_LEASE_SECONDS=0\nKILL_GRACE_SECONDS=3", nil},
		"lease and grace":        {"[Override]\nKILL_GRACE_SECONDS=20", []string{"KILL_GRACE_SECONDS=20 and the age", "KILL_GRACE_SECONDS: 20 s is more than 3 s"}},
		"a studio's section":     {"[Nimby]\nA=1\n", []string{"rqd.conf:1: [Nimby]: is not a section that RQD knows and has no effect"}},
		"both ways of variables": {"[Override]\nRQD_USE_ALL_HOST_ENV_VARS=True\n[UseHostEnvVar]\nA\nB=1", []string{"RQD_USE_ALL_HOST_ENV_VARS: has no effect"}},
		"item of a mount":        {"[docker.mounts]\nA=type:bind,source:/a,target:/a,read-only:true", []string{`item "read-only" has no effect, perhaps readonly is meant`}},
		"unknown in DEFAULT":     {"[DEFAULT]\nA=b\n[Override]\nGPU=0", []string{"[DEFAULT] A: is not a key that RQD knows"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, have := mustLoad(t, tc.text+images) // A key of DEFAULT is an image too.
			if len(have) != len(tc.want) {
				t.Fatalf("have warnings %v, want %d", have, len(tc.want))
			}
			for i, want := range tc.want {
				if !strings.Contains(have[i].String(), want) {
					t.Errorf("have %q, want %q in it", have[i], want)
				}
			}
		})
	}
	_, have := mustLoad(t, "[docker.config]\nDOCKER_GPU_MODE=no\n[docker.images]\na=b")
	if len(have) != 1 || !strings.Contains(have[0].String(), "RUN_ON_DOCKER: is not True") {
		t.Errorf("have warnings %v, want one of RUN_ON_DOCKER", have)
	}
}

func TestHostEnvVars(t *testing.T) {
	t.Parallel()
	c, _ := mustLoad(t, "[Override]\nRQD_USE_ALL_HOST_ENV_VARS=True\n[UseHostEnvVar]\nLICENCE\nPATH_X = y"+images)
	if diff := cmp.Diff([]string{"LICENCE", "PATH_X"}, c.HostEnvVars); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
	if c.UseAllHostEnvVars {
		t.Error("have all of the host's variables, want only the named ones")
	}
}

func TestSeccompProfile(t *testing.T) {
	t.Parallel()
	profile := write(t, "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n")
	c, _ := mustLoad(t, "[docker.config]\nRUN_ON_DOCKER=1\nDOCKER_SECURITY_OPT=apparmor=studio seccomp="+profile+"\n[docker.images]\na=b")
	want := []string{"apparmor=studio", `seccomp={"defaultAction":"SCMP_ACT_ALLOW"}`}
	if diff := cmp.Diff(want, c.Docker.SecurityOpt); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
}
