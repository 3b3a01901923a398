package runargs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
)

func testContext() Context {
	files := map[string]string{
		"/env":     "A=1\n# comment\n\n  B=two words\nFROM_TASK\nNOT_SET\n",
		"/labels":  "a=x\nb=y\n",
		"/bad":     "A=1\n=x\n",
		"/profile": "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n",
		"/text":    "not a profile",
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
	yes, no, ten := true, false, int64(10)
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
		"-v /shows:/shows:ro,rslave -v cache:/cache/ --volume /anon":                 {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/shows", Target: "/shows", ReadOnly: true, Propagation: "rslave", CreateSource: true}, {Type: engine.MountVolume, Source: "cache", Target: "/cache", CreateSource: true}, {Type: engine.MountVolume, Target: "/anon", CreateSource: true}}},
		"-v /a:/x -v /b:/x":                           {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/b", Target: "/x", CreateSource: true}}},
		"--tmpfs /run:size=64m":                       {Tmpfs: map[string]string{"/run": "size=64m"}},
		"--cpus 1.5 --cpu-shares 512":                 {Limits: engine.Limits{NanoCPUs: 1_500_000_000, CPUShares: 512}},
		"-c 10 --cpuset-cpus 0-3":                     {Limits: engine.Limits{CPUShares: 10, CPUSet: "0-3"}},
		"--memory 2g --memory-reservation 512m":       {Limits: engine.Limits{Memory: 2 << 30, MemoryReservation: 512 << 20}},
		"-m1g --memory-swap -1":                       {Limits: engine.Limits{Memory: 1 << 30, MemorySwap: -1}},
		"--pids-limit 100 --shm-size=64m":             {Limits: engine.Limits{PidsLimit: 100, ShmSize: 64 << 20}},
		"--oom-score-adj -500":                        {Limits: engine.Limits{OOMScoreAdj: -500}},
		"--ulimit nofile=5 --ulimit nofile=1024:2048": {Limits: engine.Limits{Ulimits: []engine.Ulimit{{Name: "nofile", Soft: 1024, Hard: 2048}}}},
		"--gpus all":                                  {GPUs: []engine.GPURequest{{Count: -1, Capabilities: []string{"gpu"}}}},
		`--gpus '"device=0,2"'`:                       {GPUs: []engine.GPURequest{{IDs: []string{"0", "2"}, Capabilities: []string{"gpu"}}}},
		"--device /dev/fuse --device /dev/a:/dev/b:r --device /dev/c:rw":         {Devices: []engine.Device{{HostPath: "/dev/fuse", ContainerPath: "/dev/fuse", Permissions: "rwm"}, {HostPath: "/dev/a", ContainerPath: "/dev/b", Permissions: "r"}, {HostPath: "/dev/c", ContainerPath: "/dev/c", Permissions: "rw"}}},
		"--device-cgroup-rule 'c 195:* rmw'":                                     {Privilege: engine.Privilege{DeviceCgroupRules: []string{"c 195:* rmw"}}},
		"--privileged --read-only":                                               {Privilege: engine.Privilege{Privileged: true, ReadonlyRootfs: true}},
		"--cap-add SYS_PTRACE,SYS_NICE --cap-drop ALL":                           {Privilege: engine.Privilege{CapAdd: []string{"SYS_PTRACE", "SYS_NICE"}, CapDrop: []string{"ALL"}}},
		"--security-opt seccomp=/profile --security-opt apparmor=unconfined":     {Privilege: engine.Privilege{SecurityOpt: []string{`seccomp={"defaultAction":"SCMP_ACT_ALLOW"}`, "apparmor=unconfined"}}},
		"--pid container:x --ipc host --uts host --userns '' --cgroupns private": {Namespaces: engine.Namespaces{PIDMode: "container:x", IPCMode: "host", UTSMode: "host", CgroupnsMode: "private"}},
		"--network farm": {Namespaces: engine.Namespaces{NetworkMode: "farm"}},
		"--net host":     {Namespaces: engine.Namespaces{NetworkMode: "host"}},
		"--publish mode=host,target=8444,published=8444":                             {Ports: []engine.Port{{HostPort: "8444", ContainerPort: "8444"}}},
		"-p 8444 -p 9444:8444/udp -p127.0.0.1::80 -p [::1]:81:80":                    {Ports: []engine.Port{{ContainerPort: "8444"}, {HostPort: "9444", ContainerPort: "8444", Protocol: "udp"}, {HostIP: "127.0.0.1", ContainerPort: "80"}, {HostIP: "::1", HostPort: "81", ContainerPort: "80"}}},
		"--add-host licence=10.0.0.7 --add-host b:[::1]":                             {ExtraHosts: []string{"licence:10.0.0.7", "b:::1"}},
		"--dns 10.0.0.1 --dns-search show.lan --dns-option ndots:2 --dns-opt rotate": {DNS: []string{"10.0.0.1"}, DNSSearch: []string{"show.lan"}, DNSOptions: []string{"ndots:2", "rotate"}},
		"--log-driver local --log-opt max-size=1m":                                   {Log: engine.LogConfig{Driver: "local", Options: map[string]string{"max-size": "1m"}}},
		"--user 5 rqd -c /x --flag":                                                  {User: "5", Cmd: []string{"rqd", "-c", "/x", "--flag"}},
		"-- -c /x":                                                                   {Cmd: []string{"-c", "/x"}},
		"--env A=1 --env-file /env":                                                  {Env: []string{"B=two words", "FROM_TASK=t", "A=1"}},
		"--label a=1 --label-file /labels":                                           {Labels: map[string]string{"a": "1", "b": "y"}},
		"--domainname lan --group-add video --group-add 44 --runtime nvidia":         {Domainname: "lan", Groups: []string{"video", "44"}, Runtime: "nvidia"},
		"--init":       {Init: &yes},
		"--init=false": {Init: &no},
		"--health-cmd 'rqdcore health' --health-interval 1s --health-timeout=2s --health-retries 3 --health-start-period 4s --health-start-interval 5s": {
			Health: &engine.HealthCheck{Command: "rqdcore health", Interval: time.Second, Timeout: 2 * time.Second, Retries: 3, StartPeriod: 4 * time.Second, StartInterval: 5 * time.Second},
		},
		"--health-interval 0s": {},
		"--sysctl kernel.msgmax=65536 --sysctl net.core.somaxconn=1": {Privilege: engine.Privilege{Sysctls: map[string]string{"kernel.msgmax": "65536", "net.core.somaxconn": "1"}}},
		"--mount source=v,target=/v,volume-driver=nfs,volume-opt=o=ro,volume-opt=device=:/x,volume-label=l=1,volume-nocopy": {Mounts: []engine.Mount{{
			Type: engine.MountVolume, Source: "v", Target: "/v", NoCopy: true,
			Volume: &engine.VolumeOptions{Driver: "nfs", DriverOptions: map[string]string{"o": "ro", "device": ":/x"}, Labels: map[string]string{"l": "1"}},
		}}},
		"--mount type=bind,source=/a,target=/a,bind-recursive=disabled":                                                     {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/a", Target: "/a", Recursion: engine.RecursionDisabled}}},
		"--mount type=bind,source=/a,target=/a,ro,bind-recursive=writable":                                                  {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/a", Target: "/a", ReadOnly: true, Recursion: engine.RecursionWritable}}},
		"--mount type=bind,source=/a,target=/a,ro,bind-recursive=readonly,bind-propagation=rprivate":                        {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/a", Target: "/a", ReadOnly: true, Propagation: "rprivate", Recursion: engine.RecursionReadOnly}}},
		"-v /a:/a:Z,cached -v v:/v:nocopy,z":                                                                                {Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/a", Target: "/a", CreateSource: true, Relabel: "Z"}, {Type: engine.MountVolume, Source: "v", Target: "/v", CreateSource: true, Relabel: "z", NoCopy: true}}},
		"--volume-driver nfs --volumes-from data:ro --storage-opt size=10G":                                                 {VolumeDriver: "nfs", VolumesFrom: []string{"data:ro"}, StorageOpt: map[string]string{"size": "10G"}},
		"--network farm --network-alias a --net-alias b --ip 10.0.0.2 --ip6 fd00::2 --link-local-ip 169.254.1.1 --link c:d": {Namespaces: engine.Namespaces{NetworkMode: "farm"}, Endpoint: engine.Endpoint{Aliases: []string{"a", "b"}, IPv4: "10.0.0.2", IPv6: "fd00::2", LinkLocal: []string{"169.254.1.1"}, Links: []string{"c:d"}}},
		"--network name=farm,alias=a,ip=10.0.0.2,mac-address=02:42:00:00:00:01,driver-opt=k=v,gw-priority=3":                {Namespaces: engine.Namespaces{NetworkMode: "farm"}, Endpoint: engine.Endpoint{Aliases: []string{"a"}, IPv4: "10.0.0.2", MAC: "02:42:00:00:00:01", DriverOptions: map[string]string{"k": "v"}, Priority: 3}},
		"--network bridge --mac-address 02:42:00:00:00:01 --expose 9000-9001/udp -P":                                        {Namespaces: engine.Namespaces{NetworkMode: "bridge"}, Endpoint: engine.Endpoint{MAC: "02:42:00:00:00:01"}, Expose: []string{"9000-9001/udp"}, PublishAllPorts: true},
		"--publish-all --expose 80": {Expose: []string{"80"}, PublishAllPorts: true},
		"-Pv /a:/b":                 {PublishAllPorts: true, Mounts: []engine.Mount{{Type: engine.MountBind, Source: "/a", Target: "/b", CreateSource: true}}},
		"--cpu-period 100000 --cpu-quota 50000 --cpu-rt-period 1000 --cpu-rt-runtime 500 --cpuset-mems 0": {Limits: engine.Limits{CPUPeriod: 100000, CPUQuota: 50000, CPURTPeriod: 1000, CPURTRuntime: 500, CPUSetMems: "0"}},
		"--memory-swappiness 10 --oom-kill-disable --cgroup-parent /farm":                                 {Limits: engine.Limits{Swappiness: &ten, OOMKillDisable: true, CgroupParent: "/farm"}},
		"--memory-swappiness -1": {},
		"--blkio-weight 500 --blkio-weight-device /dev/sda:100 --device-read-bps /dev/sda:1mb --device-write-bps /dev/sda:2mb --device-read-iops /dev/sda:3 --device-write-iops /dev/sda:4": {Limits: engine.Limits{BlockIO: engine.BlockIO{
			Weight: 500, DeviceWeight: []engine.DeviceRate{{Device: "/dev/sda", Rate: 100}}, ReadBps: []engine.DeviceRate{{Device: "/dev/sda", Rate: 1 << 20}}, WriteBps: []engine.DeviceRate{{Device: "/dev/sda", Rate: 2 << 20}},
			ReadIOps: []engine.DeviceRate{{Device: "/dev/sda", Rate: 3}}, WriteIOps: []engine.DeviceRate{{Device: "/dev/sda", Rate: 4}},
		}}},
		"--device nvidia.com/gpu=0 --device nvidia.com/gpu=1": {GPUs: []engine.GPURequest{{Driver: "cdi", IDs: []string{"nvidia.com/gpu=0", "nvidia.com/gpu=1"}}}},
		"": {},
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
		"--frobnicate 3":             "--frobnicate: no such flag. Known are --add-host, --blkio-weight, ",
		"--volum /a:/b":              "--volum: no such flag, is --volume meant? Known are ",
		"--name x":                   "--name: set RQD_NAME instead",
		"--rm":                       "--rm: the supervisor removes",
		"-h x":                       "-h: set RQD_HOSTNAME instead",
		"--memory":                   "--memory: its value is missing",
		"--memory lots":              `--memory "lots": invalid size`,
		"--cpus many":                `--cpus "many": `,
		"--mount type=bind,target=x": `--mount "type=bind,target=x": source "": want an absolute path`,
		"--mount type=volume,target=/x,volume-subpath=a,source=v":       "mount the whole volume without a word",
		"--mount type=bind,source=/a,target=/b,bind-recursive=readonly": "requires 'readonly'",
		"--mount type=bind,source=/a,target=/b,volume-nocopy":           "cannot mix 'volume-*' options",
		"--mount type=image,source=a,target=/b":                         "want bind, volume or tmpfs",
		"-v a/b:/c":                                                     `source "a/b": want an absolute path or a volume's name`,
		"-v /a:/b:X":                                                    `option "X": want ro, rw`,
		"-v /a:/b:nocopy":                                               "it is for volumes",
		"-v /a:b":                                                       `target "b": want an absolute path`,
		"--device fuse":                                                 "want /dev/HOST",
		"--env =x":                                                      "want NAME=value or NAME",
		"--env-file /none":                                              "file does not exist",
		"--env-file /bad":                                               "no variable name on line '=x'",
		"--label org.rqdswarm.spec=x":                                   "labels that begin with org.rqdswarm. are the supervisor's own",
		"--publish 8444 --network host":                                 "--publish and --network host exclude each other",
		"--publish target=80,mode=ingress":                              "mode ingress: want host",
		"--publish published=80":                                        "target is missing",
		"--publish x:y:z:q":                                             "--publish",
		"--network alias=y":                                             "network name/id is not specified",
		"--network ''":                                                  "want host, bridge, none",
		"--network a --net b":                                           "--net: it is given twice",
		"--network name=a,mac-address=x":                                "invalid MAC address",
		"--network-alias a":                                             "addresses and aliases need --network with a network of your own, not host (which it is by default)",
		"--network bridge --ip 10.0.0.2":                                "a network of your own, not bridge",
		"--mac-address 02:42:00:00:00:01":                               "--mac-address and --network host (which it is by default) exclude each other",
		"--mac-address nonsense":                                        "invalid MAC address",
		"--link a --network none":                                       "--link and --network none exclude each other",
		"-P --network host":                                             "--publish and --network host exclude each other",
		"--uts host --publish 80":                                       "--uts host and --network",
		"--expose a:1":                                                  "want PORT or PORT-PORT",
		"--no-healthcheck --health-cmd x":                               "--no-healthcheck and --health-* exclude each other",
		"--health-retries -1":                                           "want a whole number, 0 or more",
		"--health-timeout 5":                                            "want a time such as 5s",
		"--log-driver none --log-opt a=b":                               "--log-driver none and --log-opt exclude each other",
		"--cpus 2 --cpu-quota 5":                                        "--cpus and --cpu-period or --cpu-quota exclude each other",
		"--memory-swappiness 101":                                       "want a number from 0 to 100",
		"--blkio-weight heavy":                                          "want a number from 10 to 1000",
		"--blkio-weight-device x":                                       "bad format",
		"--device-read-bps /dev/sda:fast":                               "invalid rate",
		"--device-write-iops /dev/sda:1mb":                              "invalid rate",
		"--sysctl x=1":                                                  "not allowed",
		"--storage-opt x":                                               "want NAME=value",
		"--security-opt seccomp":                                        "want NAME=value or no-new-privileges",
		"--security-opt seccomp=/text":                                  "seccomp profile: invalid character",
		"--pid private":                                                 "want host, container:NAME or nothing",
		"--uts other":                                                   "want host or nothing",
		"--userns other":                                                "want host or nothing",
		"--platform linux/arm64":                                        "--platform: RQD runs on the engine's own platform",
		"-itd":                                                          "-i: RQD reads no input",
		"--kernel-memory 1g":                                            "engines since 23.0 ignore it",
		"--isolation hyperv":                                            "it is for Windows",
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
