package engine

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fullSpec sets every field of a Spec.
func fullSpec() Spec {
	yes, swappiness := true, int64(10)
	return Spec{
		Domainname: "studio", Groups: []string{"video", "44"}, Init: &yes, Runtime: "nvidia",
		Health:      &HealthCheck{Command: "rqdcore health", Interval: time.Second, Timeout: 2 * time.Second, StartPeriod: 3 * time.Second, StartInterval: 4 * time.Second, Retries: 5},
		VolumesFrom: []string{"data:ro"}, VolumeDriver: "nfs", StorageOpt: map[string]string{"size": "10G"},
		Expose: []string{"9000-9001/udp"}, PublishAllPorts: true,
		Endpoint: Endpoint{
			Aliases: []string{"a"}, Links: []string{"b:c"}, IPv4: "10.0.0.2", IPv6: "fd00::2", LinkLocal: []string{"169.254.1.1"},
			MAC: "02:42:00:00:00:01", DriverOptions: map[string]string{"k": "v"}, Priority: 7,
		},
		Name: "rqd-frame", Image: "studio/rocky9:7", Hostname: "render01", User: "0:0",
		Entrypoint: []string{"/.rqd/frameinit"}, Cmd: []string{"run"},
		Env: []string{"A=1"}, WorkingDir: "/show", Labels: map[string]string{"rqd.frame": "f"},
		StopSignal: "SIGTERM",
		Mounts: []Mount{
			{Type: MountBind, Source: "/shots", Target: "/shots", Propagation: "rslave"},
			{Type: MountBind, Source: "/made", Target: "/made", CreateSource: true, ReadOnly: true, Propagation: "slave"},
			{Type: MountBind, Source: "/made2", Target: "/made2", CreateSource: true},
			{Type: MountVolume, Source: "rqd-run", Target: "/.rqd", ReadOnly: true},
			{Type: MountVolume, Target: "/anonymous"},
			{Type: MountTmpfs, Target: "/scratch", TmpfsSize: 1 << 20, TmpfsMode: 0o1777},
			{Type: MountTmpfs, Target: "/plain"},
			{Type: MountVolume, Target: "/anonymous2", CreateSource: true},
			{Type: MountVolume, Source: "v", Target: "/v", CreateSource: true, NoCopy: true, Relabel: "z"},
			{Type: MountVolume, Source: "w", Target: "/w", NoCopy: true, Volume: &VolumeOptions{Driver: "nfs", DriverOptions: map[string]string{"o": "ro"}, Labels: map[string]string{"l": "1"}}},
			{Type: MountBind, Source: "/b1", Target: "/b1", Recursion: RecursionDisabled},
			{Type: MountBind, Source: "/b2", Target: "/b2", ReadOnly: true, Recursion: RecursionWritable},
			{Type: MountBind, Source: "/b3", Target: "/b3", ReadOnly: true, Propagation: "rprivate", Recursion: RecursionReadOnly},
		},
		Privilege: Privilege{
			CapAdd: []string{"SETUID"}, CapDrop: []string{"ALL"},
			SecurityOpt:     []string{"label=disable", "systempaths=unconfined"},
			NoNewPrivileges: true, ReadonlyRootfs: true, DeviceCgroupRules: []string{"c 195:* rwm"},
			Sysctls: map[string]string{"kernel.msgmax": "65536"},
		},
		Namespaces: Namespaces{
			PIDMode: "host", NetworkMode: "render-net", IPCMode: "host", UTSMode: "host",
			UsernsMode: "host", CgroupnsMode: "host",
		},
		Limits: Limits{
			Memory: 4 << 30, MemoryReservation: 1 << 30, MemorySwap: -1, NanoCPUs: 2e9, CPUShares: 512,
			CPUSet: "0,2-3", PidsLimit: 9000, ShmSize: 1 << 30, OOMScoreAdj: 500,
			Ulimits:   []Ulimit{{Name: "nofile", Soft: 1024, Hard: 4096}},
			CPUPeriod: 1, CPUQuota: 2, CPURTPeriod: 3, CPURTRuntime: 4, CPUSetMems: "0", Swappiness: &swappiness, OOMKillDisable: true, CgroupParent: "/farm",
			BlockIO: BlockIO{
				Weight: 500, DeviceWeight: []DeviceRate{{"/dev/sda", 100}}, ReadBps: []DeviceRate{{"/dev/sda", 1}}, WriteBps: []DeviceRate{{"/dev/sda", 2}},
				ReadIOps: []DeviceRate{{"/dev/sda", 3}}, WriteIOps: []DeviceRate{{"/dev/sda", 4}},
			},
		},
		GPUs: []GPURequest{
			{Driver: "nvidia", IDs: []string{"0", "2"}, Capabilities: []string{"gpu", "graphics"}},
			{Count: -1, Options: map[string]string{"o": "1"}},
			{Driver: DriverCDI, IDs: []string{"nvidia.com/gpu=0"}},
		},
		Devices: []Device{{HostPath: "/dev/fuse"}, {HostPath: "/dev/a", ContainerPath: "/dev/b", Permissions: "r"}},
		Ports: []Port{
			{ContainerPort: "8444", HostPort: "8444"},
			{ContainerPort: "53", Protocol: "UDP"},
			{ContainerPort: "7000-7001", HostPort: "7100-7101", HostIP: "127.0.0.1"},
			{ContainerPort: "80", HostPort: "8080", HostIP: "::1"},
		},
		DNS: []string{"10.0.0.1"}, DNSOptions: []string{"ndots:2"}, DNSSearch: []string{"studio"},
		ExtraHosts: []string{"cuebot:10.0.0.9"}, Tmpfs: map[string]string{"/run": "size=1m"},
		Log: LogConfig{Driver: "json-file", Options: map[string]string{"max-size": "1m"}},
	}
}

func TestSpecBecomesTheEnginesRequest(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]Spec{
		"full":    fullSpec(),
		"minimal": {Image: "busybox"},
		"quiet":   {Image: "busybox", DisableHealthcheck: true, Endpoint: Endpoint{MAC: "02:42:00:00:00:01", Links: []string{"b:c"}}},
		"privileged": {
			Image: "rqdcore:dev", Privilege: Privilege{Privileged: true}, Namespaces: Namespaces{PIDMode: "host", NetworkMode: "host"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := toCreate(spec)
			if err != nil {
				t.Fatal(err)
			}
			have, err := json.MarshalIndent(map[string]any{"Config": req.config, "HostConfig": req.host, "NetworkingConfig": req.network}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, filepath.Join("testdata", "create-"+name+".json"), append(have, '\n'))
		})
	}
}

// compareGolden compares with a file; UPDATE_GOLDEN=1 writes the file instead.
func compareGolden(t *testing.T, path string, have []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("%s (-want +have):\n%s", path, diff)
	}
}

func TestConversionLeavesTheSpecAlone(t *testing.T) {
	t.Parallel()
	spec := fullSpec()
	req, err := toCreate(spec)
	if err != nil {
		t.Fatal(err)
	}
	req.config.Env[0] = "changed"
	req.config.Labels["rqd.frame"] = "changed"
	req.host.CapAdd[0] = "changed"
	if diff := cmp.Diff(fullSpec(), spec); diff != "" {
		t.Errorf("the Spec changed (-want +have):\n%s", diff)
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]Spec{
		`mount target "x": must be an absolute path`:                 {Mounts: []Mount{{Type: MountVolume, Target: "x"}}},
		`mount /x: type "": must be bind, volume or tmpfs`:           {Mounts: []Mount{{Target: "/x"}}},
		`mount /x: bind source "": must be an absolute path`:         {Mounts: []Mount{{Type: MountBind, Target: "/x"}}},
		`propagation and recursion are for binds, not for tmpfs`:     {Mounts: []Mount{{Type: MountTmpfs, Target: "/x", Propagation: "slave"}}},
		`source creation is for binds and volumes`:                   {Mounts: []Mount{{Type: MountTmpfs, Target: "/x", CreateSource: true}}},
		`an anonymous volume whose source is created has no options`: {Mounts: []Mount{{Type: MountVolume, Target: "/x", CreateSource: true, NoCopy: true}}},
		`relabelling is for mounts whose source is created`:          {Mounts: []Mount{{Type: MountBind, Source: "/a", Target: "/x", Relabel: "z"}}},
		`volume options are for volumes, not for bind`:               {Mounts: []Mount{{Type: MountBind, Source: "/a", Target: "/x", NoCopy: true}}},
		`expose port a:1: want PORT or PORT-PORT`:                    {Expose: []string{"a:1"}},
		`cannot have a colon in its paths`:                           {Mounts: []Mount{{Type: MountBind, Source: "/a:b", Target: "/x", CreateSource: true}}},
		`publish port 1: the container's port is missing`:            {Ports: []Port{{HostPort: "1"}}},
		`publish port 80/odd: invalid proto: odd`:                    {Ports: []Port{{ContainerPort: "80", Protocol: "odd"}}},
	} {
		err := spec.Validate()
		if !errors.Is(err, ErrInvalid) || !containsText(err, name) {
			t.Errorf("want ErrInvalid saying %q, have %v", name, err)
		}
	}
}
