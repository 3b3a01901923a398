package runargs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
)

func testContext() Context {
	files := map[string]string{
		"/env":     "A=1\n# comment\n\n  B=two words\nFROM_TASK\nNOT_SET\n",
		"/bad":     "A=1\n=x\n",
		"/profile": `{"defaultAction":"SCMP_ACT_ALLOW"}`,
	}
	return Context{Environ: []string{"FROM_TASK=t", "SECRET=s"}, ReadFile: func(path string) ([]byte, error) {
		text, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("read %s: %w", path, os.ErrNotExist)
		}
		return []byte(text), nil
	}}
}

// TestEveryFlag has each flag of the table once at least: what docker run makes of it is what we make of it.
func TestEveryFlag(t *testing.T) {
	t.Parallel()
	rows := map[string]engine.Spec{
		"--entrypoint /bin/rqd":                 {Entrypoint: []string{"/bin/rqd"}},
		"--env A=1 -e B='x y' -eC=3 --env A=2":  {Env: []string{"B=x y", "C=3", "A=2"}},
		"--env SECRET --env NOT_SET":            {Env: []string{"SECRET=s"}},
		"--env-file /env":                       {Env: []string{"A=1", "B=two words", "FROM_TASK=t"}},
		"--user 0:0":                            {User: "0:0"},
		"-u root --workdir /srv -w /opt":        {User: "root", WorkingDir: "/opt"},
		"--label a=b -l c --label d=e=f":        {Labels: map[string]string{"a": "b", "c": "", "d": "e=f"}},
		"--stop-signal SIGINT --no-healthcheck": {StopSignal: "SIGINT", DisableHealthcheck: true},
		"--mount type=bind,source=/net,target=/net,bind-propagation=rslave,readonly": {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/net", Target: "/net", Propagation: "rslave", ReadOnly: true}}},
		"--mount type=tmpfs,target=/scratch,tmpfs-size=1g,tmpfs-mode=1777":           {Mounts: []engine.Mount{{Type: engine.MountTmpfs, Target: "/scratch", TmpfsSize: 1 << 30, TmpfsMode: 0o1777}}},
		"-v /shows:/shows:ro,rslave -v cache:/cache/ --volume /anon":                 {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/shows", Target: "/shows", ReadOnly: true, Propagation: "rslave", CreateSource: true}, {Type: engine.MountVolume, Source: "cache", Target: "/cache"}, {Type: engine.MountVolume, Target: "/anon"}}},
		"-v /a:/x -v /b:/x":                     {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/b", Target: "/x", CreateSource: true}}},
		"--tmpfs /run:size=64m":                 {Tmpfs: map[string]string{"/run": "size=64m"}},
		"--cpus 1.5 --cpu-shares 512":           {Limits: engine.Limits{NanoCPUs: 1_500_000_000, CPUShares: 512}},
		"-c 10 --cpuset-cpus 0-3":               {Limits: engine.Limits{CPUShares: 10, CPUSet: "0-3"}},
		"--memory 2g --memory-reservation 512m": {Limits: engine.Limits{Memory: 2 << 30, MemoryReservation: 512 << 20}},
		"-m1g --memory-swap -1":                 {Limits: engine.Limits{Memory: 1 << 30, MemorySwap: -1}},
		"--pids-limit 100 --shm-size=64m":       {Limits: engine.Limits{PidsLimit: 100, ShmSize: 64 << 20}},
		"--oom-score-adj -500":                  {Limits: engine.Limits{OOMScoreAdj: -500}},
		"--ulimit nofile=1024:2048":             {Limits: engine.Limits{Ulimits: []engine.Ulimit{{Name: "nofile", Soft: 1024, Hard: 2048}}}},
		"--gpus all":                            {GPUs: []engine.GPURequest{{Count: -1, Capabilities: []string{"gpu"}}}},
		`--gpus '"device=0,2"'`:                 {GPUs: []engine.GPURequest{{IDs: []string{"0", "2"}, Capabilities: []string{"gpu"}}}},
		"--device /dev/fuse --device /dev/a:/dev/b:r --device /dev/c:rw":     {Devices: []engine.Device{{HostPath: "/dev/fuse", ContainerPath: "/dev/fuse", Permissions: "rwm"}, {HostPath: "/dev/a", ContainerPath: "/dev/b", Permissions: "r"}, {HostPath: "/dev/c", ContainerPath: "/dev/c", Permissions: "rw"}}},
		"--device-cgroup-rule 'c 195:* rmw'":                                 {Privilege: engine.Privilege{DeviceCgroupRules: []string{"c 195:* rmw"}}},
		"--privileged --read-only":                                           {Privilege: engine.Privilege{Privileged: true, ReadonlyRootfs: true}},
		"--cap-add SYS_PTRACE,SYS_NICE --cap-drop ALL":                       {Privilege: engine.Privilege{CapAdd: []string{"SYS_PTRACE", "SYS_NICE"}, CapDrop: []string{"ALL"}}},
		"--security-opt seccomp=/profile --security-opt apparmor=unconfined": {Privilege: engine.Privilege{SecurityOpt: []string{`seccomp={"defaultAction":"SCMP_ACT_ALLOW"}`, "apparmor=unconfined"}}},
		"--pid private --ipc host --uts host --userns '' --cgroupns private": {Namespaces: engine.Namespaces{PIDMode: "private", IPCMode: "host", UTSMode: "host", CgroupnsMode: "private"}},
		"--network farm": {Namespaces: engine.Namespaces{NetworkMode: "farm"}},
		"--net host":     {Namespaces: engine.Namespaces{NetworkMode: "host"}},
		"--publish mode=host,target=8444,published=8444":                             {Ports: []engine.Port{{HostPort: "8444", ContainerPort: "8444"}}},
		"-p 8444 -p 9444:8444/udp -p127.0.0.1::80 -p [::1]:81:80":                    {Ports: []engine.Port{{ContainerPort: "8444"}, {HostPort: "9444", ContainerPort: "8444", Protocol: "udp"}, {HostIP: "127.0.0.1", ContainerPort: "80"}, {HostIP: "::1", HostPort: "81", ContainerPort: "80"}}},
		"--add-host licence=10.0.0.7 --add-host b:[::1]":                             {ExtraHosts: []string{"licence:10.0.0.7", "b:::1"}},
		"--dns 10.0.0.1 --dns-search show.lan --dns-option ndots:2 --dns-opt rotate": {DNS: []string{"10.0.0.1"}, DNSSearch: []string{"show.lan"}, DNSOptions: []string{"ndots:2", "rotate"}},
		"--log-driver local --log-opt max-size=1m":                                   {Log: engine.LogConfig{Driver: "local", Options: map[string]string{"max-size": "1m"}}},
		"--user 5 rqd -c /x --flag":                                                  {User: "5", Cmd: []string{"rqd", "-c", "/x", "--flag"}},
		"-- -c /x":                                                                   {Cmd: []string{"-c", "/x"}},
		"":                                                                           {},
	}
	for text, want := range rows {
		apply, err := Parse(text, testContext())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var have engine.Spec
		apply(&have)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", text, diff)
		}
	}
	for name, f := range table() {
		tried := slices.ContainsFunc(slices.Collect(mapKeys(rows)), func(text string) bool {
			return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '=' }), name)
		})
		if f.refused == "" && !tried {
			t.Errorf("%s: no row tries it", name)
		}
	}
}

func mapKeys(m map[string]engine.Spec) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"--frobnicate 3":             "--frobnicate: no such flag here; known are --add-host, --cap-add, ",
		"--name x":                   "--name: set RQD_NAME instead",
		"--rm":                       "--rm: the supervisor removes",
		"-h x":                       "-h: set RQD_HOSTNAME instead",
		"--memory":                   "--memory: its value is missing",
		"--memory lots":              `--memory "lots": invalid size`,
		"--cpus many":                `--cpus "many": `,
		"--mount type=bind,target=x": `--mount "type=bind,target=x": source "": want an absolute path`,
		"--mount type=volume,target=/x,volume-opt=a=b,source=v":         "make the volume beforehand",
		"--mount type=bind,source=/a,target=/b,bind-recursive=disabled": "bind-recursive is not taken here",
		"--mount type=image,source=a,target=/b":                         "want bind, volume or tmpfs",
		"-v a/b:/c":                                                     `source "a/b": want an absolute path or a volume's name`,
		"-v /a:/b:Z":                                                    `option "Z": want ro, rw`,
		"-v /a:b":                                                       `target "b": want an absolute path`,
		"--device fuse":                                                 "want /dev/HOST",
		"--env =x":                                                      "want NAME=value or NAME",
		"--env-file /none":                                              "file does not exist",
		"--env-file /bad":                                               "line 2: want NAME=value or NAME",
		"--label org.rqdswarm.spec=x":                                   "labels that begin with org.rqdswarm. are the supervisor's own",
		"--publish 8444 --network host":                                 "--publish and --network host exclude each other",
		"--publish target=80,mode=ingress":                              "mode ingress: want host",
		"--publish published=80":                                        "target is missing",
		"--publish x:y:z:q":                                             "--publish",
		"--network name=x,alias=y":                                      "want host, bridge, none",
		"--cgroupns shared":                                             "want host or private",
		"--privileged=maybe":                                            "want true or false",
		"--oom-score-adj 5000":                                          "want a number from -1000 to 1000",
		"--ulimit nofile":                                               `--ulimit "nofile": `,
		"--dns nowhere":                                                 `--dns "nowhere": `,
		"--add-host x":                                                  `--add-host "x": `,
		"--workdir here":                                                "want an absolute path",
		"--env 'unterminated":                                           "RQD_RUN_ARGS: ",
		"--device-cgroup-rule nonsense":                                 "want for example",
		"--log-opt x":                                                   "want NAME=value",
	} {
		if _, err := Parse(text, testContext()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want error %q, have %v", text, want, err)
		}
	}
}

func TestEveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Parse("--name x --memory lots --user 5 --frobnicate=1 --restart always cmd", testContext())
	if err == nil {
		t.Fatal("want an error, have none")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 4 {
		t.Errorf("want four lines, have %q", lines)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "RQD_RUN_ARGS: --") {
			t.Errorf("want the variable and the flag named, have %q", line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--env A=1 -v /a:/b --publish 80:80 cmd")
	f.Add("-p '[::1]:80:80' --mount type=bind,source=/,target=/x")
	f.Add("--")
	f.Fuzz(func(t *testing.T, text string) {
		apply, err := Parse(text, testContext())
		if err != nil {
			return
		}
		var s engine.Spec
		apply(&s)
		if err := s.Validate(); err != nil {
			t.Errorf("%q: taken, but %v", text, err)
		}
	})
}
