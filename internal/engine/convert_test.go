package engine

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fullSpec sets every field of a Spec.
func fullSpec() Spec {
	return Spec{
		Name: "rqd-frame", Image: "studio/rocky9:7", Hostname: "render01", User: "0:0",
		Entrypoint: []string{"/.rqd/frameinit"}, Cmd: []string{"run"},
		Env: []string{"A=1"}, WorkingDir: "/show", Labels: map[string]string{"rqd.frame": "f"},
		StopSignal: "SIGTERM", DisableHealthcheck: true,
		Mounts: []Mount{
			{Type: MountBind, Source: "/shots", Target: "/shots", Propagation: "rslave"},
			{Type: MountBind, Source: "/made", Target: "/made", CreateSource: true, ReadOnly: true, Propagation: "slave"},
			{Type: MountBind, Source: "/made2", Target: "/made2", CreateSource: true},
			{Type: MountVolume, Source: "rqd-run", Target: "/.rqd", ReadOnly: true},
			{Type: MountVolume, Target: "/anonymous"},
			{Type: MountTmpfs, Target: "/scratch", TmpfsSize: 1 << 20, TmpfsMode: 0o1777},
			{Type: MountTmpfs, Target: "/plain"},
		},
		Privilege: Privilege{
			CapAdd: []string{"SETUID"}, CapDrop: []string{"ALL"},
			SecurityOpt:     []string{"label=disable", "systempaths=unconfined"},
			NoNewPrivileges: true, ReadonlyRootfs: true, DeviceCgroupRules: []string{"c 195:* rwm"},
		},
		Namespaces: Namespaces{
			PIDMode: "host", NetworkMode: "render-net", IPCMode: "host", UTSMode: "host",
			UsernsMode: "host", CgroupnsMode: "host",
		},
		Limits: Limits{
			Memory: 4 << 30, MemoryReservation: 1 << 30, MemorySwap: -1, NanoCPUs: 2e9, CPUShares: 512,
			CPUSet: "0,2-3", PidsLimit: 9000, ShmSize: 1 << 30, OOMScoreAdj: 500,
			Ulimits: []Ulimit{{Name: "nofile", Soft: 1024, Hard: 4096}},
		},
		GPUs: []GPURequest{
			{Driver: "nvidia", IDs: []string{"0", "2"}, Capabilities: []string{"gpu", "graphics"}},
			{Count: -1},
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
		`mount target "x": must be an absolute path`:                   {Mounts: []Mount{{Type: MountVolume, Target: "x"}}},
		`mount /x: type "": must be bind, volume or tmpfs`:             {Mounts: []Mount{{Target: "/x"}}},
		`mount /x: bind source "": must be an absolute path`:           {Mounts: []Mount{{Type: MountBind, Target: "/x"}}},
		`propagation and source creation are for binds, not for tmpfs`: {Mounts: []Mount{{Type: MountTmpfs, Target: "/x", Propagation: "slave"}}},
		`cannot have a colon in its paths`:                             {Mounts: []Mount{{Type: MountBind, Source: "/a:b", Target: "/x", CreateSource: true}}},
		`publish port 1: the container's port is missing`:              {Ports: []Port{{HostPort: "1"}}},
		`publish port 80/odd: invalid proto: odd`:                      {Ports: []Port{{ContainerPort: "80", Protocol: "odd"}}},
	} {
		err := spec.Validate()
		if !errors.Is(err, ErrInvalid) || !containsText(err, name) {
			t.Errorf("want ErrInvalid saying %q, have %v", name, err)
		}
	}
}
