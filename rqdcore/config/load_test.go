package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
)

const images = "\n[docker.config]\nRUN_ON_DOCKER=True\n[docker.images]\nrocky9=rocky9.3:latest\n"

// write makes a file of text and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rqd.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t *testing.T, text string, environ ...string) (*Config, []Warning) {
	t.Helper()
	c, warnings, err := Load(Source{Path: write(t, text), Environ: environ})
	if err != nil {
		t.Fatalf("have error %v, want none", err)
	}
	return c, warnings
}

func TestGuide(t *testing.T) {
	t.Parallel()
	c, warnings := mustLoad(t, `
[docker.config]
# Setting this to True requires all the additional "docker.[]" sections to be filled
RUN_ON_DOCKER=True
DOCKER_SHELL_PATH=/usr/bin/sh

[docker.mounts]
TEMP=type:bind,source:/tmp,target:/tmp,bind-propagation:slave
NET=type:bind,source:/net,target:/net,bind-propagation:slave

[docker.images]
centos7=centos7.3:latest
rocky9=rocky9.3:latest
`, "CUEBOT_HOSTNAME=cue1 cue2")
	want := defaults()
	want.Path = c.Path
	want.Cuebots = []string{"cue1:8443", "cue2:8443"}
	want.runOnDocker = true
	want.Docker.ShellPath = "/usr/bin/sh"
	want.Docker.Images = []Image{{"centos7", "centos7.3:latest"}, {"rocky9", "rocky9.3:latest"}}
	want.Docker.Mounts = []engine.Mount{
		{Type: "bind", Source: "/tmp", Target: "/tmp", Propagation: "slave"},
		{Type: "bind", Source: "/net", Target: "/net", Propagation: "slave"},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("have %+v, want %+v", c, want)
	}
	if len(warnings) > 0 {
		t.Errorf("have warnings %v, want none", warnings)
	}
	if c.SPOS() != "centos7,rocky9" {
		t.Errorf("have SP_OS %q", c.SPOS())
	}
}

// everyKey sets each honoured key to a value that is not its default.
const everyKey = `
[Override]
RQD_GRPC_PORT = 18444
CUEBOT_GRPC_PORT = 18443
OVERRIDE_CUEBOT = cue1, cue2:99 [::1]:7
OVERRIDE_HOSTNAME = node7.farm.example
RQD_USE_IP_AS_HOSTNAME = 0
RQD_USE_IPV6_AS_HOSTNAME = yes
RQD_NETWORK_INTERFACE = eth1
OVERRIDE_CORES = 12
OVERRIDE_PROCS = 2
OVERRIDE_MEMORY = 8388608
LOAD_MODIFIER = -50
RQD_TAGS = gpu  big
DEFAULT_FACILITY = lax
OVERRIDE_IS_DESKTOP = On
GPU = True
LAUNCH_FRAME_USER_GID = 100
RQD_USE_PATH_ENV_VAR = 1
RQD_USE_ALL_HOST_ENV_VARS = true
RQD_CUSTOM_HOME_PREFIX = /home
RQD_CUSTOM_MAIL_PREFIX = /var/mail
RQD_PREPEND_TIMESTAMP = TRUE
JOB_LOG_MAX_SIZE_IN_BYTES = -1
CONSOLE_LOG_LEVEL = DEBUG
FILE_LOG_LEVEL = ERROR
FRAME_LEASE_SECONDS = 0
KILL_GRACE_SECONDS = 3
RQD_RUN_DIR = /srv/run
RQD_STATE_DIR = /srv/state
[docker.config]
RUN_ON_DOCKER = yes
DOCKER_SHELL_PATH = /bin/bash
DOCKER_MIN_FREE_SPACE = 20g
IMAGE_KEEP_DAYS = 14
DOCKER_GPU_MODE = on
FRAME_GROUPS = 4000, 4001
DOCKER_PRIVILEGED = True
DOCKER_PID_MODE = host
DOCKER_NETWORK_MODE = bridge
DOCKER_SHM_SIZE = 2g
DOCKER_DEVICES = /dev/fuse /dev/sda:/dev/xvda:r
DOCKER_CAP_ADD = CAP_SYS_PTRACE, sys_nice
DOCKER_SECURITY_OPT = label=level:s0:c100,c200 seccomp=unconfined
DOCKER_ULIMITS = nofile=1024:65536 memlock=-1
DOCKER_EXTRA_HOSTS = licence:10.0.0.7 v6=[::1]
DOCKER_DNS = 10.0.0.1
DOCKER_TMPFS = /scratch:size=1g,mode=1777 /run
[docker.images]
a = registry:5000/x/y:1.0
b = y@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
c = plain
`

func TestEveryKey(t *testing.T) {
	t.Parallel()
	c, warnings := mustLoad(t, everyKey)
	want := &Config{
		Path: c.Path, GRPCPort: 18444, CuebotPort: 18443, Cuebots: []string{"cue1:18443", "cue2:99", "[::1]:7"},
		HostName: "node7.farm.example", UseIPv6: true, NetworkInterface: "eth1", Facility: "lax", Tags: []string{"gpu", "big"}, Desktop: true,
		OverrideCores: 12, OverrideProcs: 2, OverrideMemory: 8388608, LoadModifier: -50, GPU: true,
		UserGID: 100, UsePathEnvVar: true, UseAllHostEnvVars: true, HomePrefix: "/home", MailPrefix: "/var/mail",
		ConsoleLogLevel: "DEBUG", FileLogLevel: "ERROR", PrependTimestamp: true, JobLogMaxSize: 0,
		FrameLease: 0, KillGrace: 3 * time.Second, RunDir: "/srv/run", StateDir: "/srv/state", TempDir: "/tmp", runOnDocker: true,
		Docker: Docker{
			ShellPath: "/bin/bash", GPUMode: true, FrameGroups: []int{4000, 4001}, MinFreeSpace: 20 << 30, ImageKeepDays: 14, Privileged: true, PIDMode: "host", NetworkMode: "bridge", ShmSize: 2 << 30,
			Images:      []Image{{"a", "registry:5000/x/y:1.0"}, {"b", "y@sha256:" + strings.Repeat("a", 64)}, {"c", "plain"}},
			Devices:     []engine.Device{{HostPath: "/dev/fuse", ContainerPath: "/dev/fuse", Permissions: "rwm"}, {HostPath: "/dev/sda", ContainerPath: "/dev/xvda", Permissions: "r"}},
			CapAdd:      []string{"SYS_PTRACE", "SYS_NICE"},
			SecurityOpt: []string{"label=level:s0:c100,c200", "seccomp=unconfined"},
			securityOpt: []string{"label=level:s0:c100,c200", "seccomp=unconfined"},
			Ulimits:     []engine.Ulimit{{Name: "nofile", Soft: 1024, Hard: 65536}, {Name: "memlock", Soft: -1, Hard: -1}},
			ExtraHosts:  []string{"licence:10.0.0.7", "v6:::1"},
			DNS:         []string{"10.0.0.1"},
			Tmpfs:       map[string]string{"/scratch": "size=1g,mode=1777", "/run": ""},
		},
	}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(Config{}, Docker{})); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
	if len(warnings) > 0 {
		t.Errorf("have warnings %v, want none", warnings)
	}
	for _, k := range Keys() {
		if k.Relevance == Honoured && !strings.Contains(everyKey, "\n"+k.Name+" = ") {
			t.Errorf("key %s is not in the text of this test", k.Name)
		}
	}
}

// TestKeysTakeEffect says of each honoured key that its field changes, so that no two rows share one.
func TestKeysTakeEffect(t *testing.T) {
	t.Parallel()
	for line := range strings.SplitSeq(everyKey, "\n") {
		name, value, ok := strings.Cut(line, " = ")
		for _, o := range options() {
			if !ok || o.Name != name || name == "RUN_ON_DOCKER" {
				continue
			}
			c, base := defaults(), defaults()
			if err := o.set(c, value); err != nil {
				t.Errorf("%s: have error %v", name, err)
			}
			if reflect.DeepEqual(c, base) {
				t.Errorf("%s = %s changed nothing", name, value)
			}
			if o.get(c) == o.get(base) {
				t.Errorf("%s = %s is printed as %q, as the default is", name, value, o.get(c))
			}
		}
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text    string
		environ []string
		want    []string // One for each error.
	}{
		"unknown section":         {"[Overide]\nA=1" + images, nil, []string{"rqd.conf:1: [Overide]: is not a section of rqd.conf, perhaps [Override] is meant; want one of [Override], [UseHostEnvVar], [docker.config]"}},
		"no images":               {"[docker.config]\nRUN_ON_DOCKER=True\n", nil, []string{"no images: RQD runs frames in containers only; want at least one line OS=IMAGE in [docker.images] of"}},
		"broken mount":            {images + "[docker.mounts]\nNET=type:bind,source:/net\n", nil, []string{`rqd.conf:7: [docker.mounts] NET: "type:bind,source:/net": has no target`}},
		"mount without a value":   {images + "[docker.mounts]\nNET\n", nil, []string{`[docker.mounts] NET: "": has an empty item`}},
		"same target twice":       {images + "[docker.mounts]\nA=type:bind,source:/a,target:/x\nB=type:bind,source:/b,target:/x/\n", nil, []string{`[docker.mounts] B: "type:bind,source:/b,target:/x/": target "/x/" is that of A too`}},
		"tmpfs on a mount":        {"[docker.config]\nDOCKER_TMPFS=/x\n[docker.images]\na=b\n[docker.mounts]\nA=type:bind,source:/a,target:/x", nil, []string{`[docker.config] DOCKER_TMPFS: "/x": path is the target of A`}},
		"number":                  {"[Override]\nOVERRIDE_CORES=four" + images, nil, []string{`rqd.conf:2: [Override] OVERRIDE_CORES: "four": want a whole number from 1`}},
		"empty number":            {"[Override]\nOVERRIDE_CORES=" + images, nil, []string{`OVERRIDE_CORES: "": want a whole number`}},
		"key alone":               {"[Override]\nRQD_GRPC_PORT" + images, nil, []string{"RQD_GRPC_PORT: has no value"}},
		"port":                    {"[Override]\nRQD_GRPC_PORT=70000" + images, nil, []string{`"70000": want a whole number from 1 to 65535`}},
		"bool with a comment":     {"[Override]\nGPU=True # two cards" + images, nil, []string{`GPU: "True # two cards": want True or False`}},
		"level":                   {"[Override]\nCONSOLE_LOG_LEVEL=loud" + images, nil, []string{`CONSOLE_LOG_LEVEL: "loud": want DEBUG, INFO`}},
		"gid 0":                   {"[Override]\nLAUNCH_FRAME_USER_GID=0" + images, nil, []string{`LAUNCH_FRAME_USER_GID: "0": want a whole number from 1`}},
		"tag too long":            {"[Override]\nRQD_TAGS=" + strings.Repeat("x", 46) + images, nil, []string{"want a tag of at most 45 characters"}},
		"host name too long":      {"[Override]\nOVERRIDE_HOSTNAME=" + strings.Repeat("h", 46) + ".x" + images, nil, []string{"want at most 45 characters before the first dot"}},
		"fqdn too long":           {"[Override]\nOVERRIDE_HOSTNAME=h." + strings.Repeat("h", 127) + images, nil, []string{"want at most 128 characters"}},
		"relative state dir":      {images, []string{"RQD_STATE_DIR=state"}, []string{`environment RQD_STATE_DIR: "state": want an absolute path`}},
		"lease":                   {images, []string{"FRAME_LEASE_SECONDS=5m"}, []string{`environment FRAME_LEASE_SECONDS: "5m": want a whole number`}},
		"cuebot's port":           {"[Override]\nOVERRIDE_CUEBOT=cue:http" + images, nil, []string{`"cue:http": want a port from 1 to 65535`}},
		"no cuebot":               {"[Override]\nOVERRIDE_CUEBOT=" + images, nil, []string{"want at least one HOST or HOST:PORT"}},
		"cuebot in environment":   {images, []string{"CUEBOT_HOSTNAME=http://cue"}, []string{`environment CUEBOT_HOSTNAME: "http://cue"`}},
		"OS with a blank":         {images + "rocky 8=x\n", nil, []string{`[docker.images] rocky 8: "rocky 8" is not a name that Cuebot can match`}},
		"OS with a comma":         {images + "a,b=x\n", nil, []string{`"a,b" is not a name that Cuebot can match`}},
		"SP_OS too long":          {images + strings.Repeat("o", 26) + "=x\n", nil, []string{"make 33 characters; Cuebot stores 32"}},
		"image without reference": {images + "b=\n", nil, []string{`[docker.images] b: "": `}},
		"image reference":         {images + "b=Rocky:9\n", nil, []string{`[docker.images] b: "Rocky:9": `}},
		"images in environment":   {images, []string{"OVERRIDE_DOCKER_IMAGES=a=x,b"}, []string{`environment OVERRIDE_DOCKER_IMAGES: "b": want OS=IMAGE`}},
		"image twice":             {images, []string{"OVERRIDE_DOCKER_IMAGES=a=x,a=y"}, []string{`"a" comes twice`}},
		"image from DEFAULT":      {"[DEFAULT]\nRQD_TAGS=a b" + images, nil, []string{`[DEFAULT] RQD_TAGS: "a b": invalid reference format`}},
		"capability":              {"[docker.config]\nDOCKER_CAP_ADD=SYS_PTRAC\n[docker.images]\na=b", nil, []string{`DOCKER_CAP_ADD: "SYS_PTRAC": want a capability's name, perhaps SYS_PTRACE`}},
		"device":                  {"[docker.config]\nDOCKER_DEVICES=fuse\n[docker.images]\na=b", nil, []string{`"fuse": want HOST[:CONTAINER]`}},
		"ulimit":                  {"[docker.config]\nDOCKER_ULIMITS=nofiles=3\n[docker.images]\na=b", nil, []string{"want one of core, cpu"}},
		"ulimit's order":          {"[docker.config]\nDOCKER_ULIMITS=nofile=3:2\n[docker.images]\na=b", nil, []string{"want a soft limit that is not above the hard one"}},
		"extra host":              {"[docker.config]\nDOCKER_EXTRA_HOSTS=licence\n[docker.images]\na=b", nil, []string{"want NAME:ADDRESS"}},
		"name server":             {"[docker.config]\nDOCKER_DNS=ns1\n[docker.images]\na=b", nil, []string{"want an IP address"}},
		"seccomp":                 {"[docker.config]\nDOCKER_SECURITY_OPT=seccomp=/nowhere.json\n[docker.images]\na=b", nil, []string{"read seccomp profile: open /nowhere.json"}},
		"security option":         {"[docker.config]\nDOCKER_SECURITY_OPT=privileged\n[docker.images]\na=b", nil, []string{"want seccomp=FILE"}},
		"root's group":            {"[docker.config]\nFRAME_GROUPS=0\n[docker.images]\na=b", nil, []string{`FRAME_GROUPS: "0": want a whole number from 1`}},
		"pid mode":                {"[docker.config]\nDOCKER_PID_MODE=shared\n[docker.images]\na=b", nil, []string{"want private, host or container:NAME"}},
		"size":                    {"[docker.config]\nDOCKER_SHM_SIZE=much\n[docker.images]\na=b", nil, []string{"want a size like 64m"}},
		"all at once": {
			"[Override]\nGPU=maybe\nGPU=2\nRQD_GRPC_PORT=0\n[UseHostEnv]\n" + images + "[docker.mounts]\nA=b", nil,
			[]string{"GPU: comes twice", "[UseHostEnv]: is not a section", `GPU: "maybe"`, `GPU: "2"`, "RQD_GRPC_PORT", "[docker.mounts] A"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _, err := Load(Source{Path: write(t, tc.text), Environ: tc.environ})
			var have []string
			if err != nil {
				have = strings.Split(err.Error(), "\n")
			}
			if len(have) != len(tc.want) || (c == nil) != (len(tc.want) > 0) {
				t.Fatalf("have %d errors, want %d:\n%v", len(have), len(tc.want), err)
			}
			for i, want := range tc.want {
				if !strings.Contains(have[i], want) {
					t.Errorf("have %q, want %q in it", have[i], want)
				}
			}
		})
	}
}
