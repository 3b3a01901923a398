package containerid_test

import (
	"strings"
	"testing"

	"rqdswarm/internal/containerid"
)

const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestFromCgroup(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"v1, cgroupfs":              {"12:pids:/docker/ID\n11:memory:/docker/ID\n", id},
		"v1, systemd":               {"11:memory:/system.slice/docker-ID.scope\n0::/system.slice/containerd.service\n", id},
		"v2, host namespace":        {"0::/system.slice/docker-ID.scope\n", id},
		"v2, seen from a sibling":   {"0::/../ID\n", id},
		"v2, own private namespace": {"0::/\n", ""},
		"bare on a host":            {"0::/user.slice/user-1000.slice/session-1.scope\n", ""},
		"longer run of digits":      {"0::/docker/ID0\n", ""},
		"nested, innermost":         {"11:memory:/docker/" + strings.Repeat("f", 64) + "/docker/ID\n", id},
		"kubernetes parent":         {"0::/kubepods/pod42/ID\n", id},
		"empty":                     {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := containerid.FromCgroup([]byte(strings.ReplaceAll(tc.text, "ID", id))); have != tc.want {
				t.Errorf("have %q, want %q", have, tc.want)
			}
		})
	}
}

func TestFromMountinfo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"Docker's hostname file": {
			"600 500 0:50 / / rw - overlay overlay rw\n611 600 8:1 /var/lib/docker/containers/ID/hostname /etc/hostname rw - ext4 /dev/vda rw\n", id,
		},
		"own data root": {"611 600 8:1 /data/containers/ID/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw\n", id},
		// RQD may have the engine's directory mounted; that is not where it lives.
		"another container's layer": {"611 600 8:1 /var/lib/docker/containers/ID/hostname /mnt/x rw - ext4 /dev/vda rw\n", ""},
		"bare":                      {"22 1 8:1 / / rw - ext4 /dev/vda rw\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := containerid.FromMountinfo([]byte(strings.ReplaceAll(tc.text, "ID", id))); have != tc.want {
				t.Errorf("have %q, want %q", have, tc.want)
			}
		})
	}
}

func FuzzID(f *testing.F) {
	f.Add("0::/docker/" + id)
	f.Add("127 110 254:0 /var/lib/docker/containers/" + id + "/hosts /etc/hosts rw - ext4 /dev/vda rw")
	f.Fuzz(func(t *testing.T, text string) {
		for _, have := range []string{containerid.FromCgroup([]byte(text)), containerid.FromMountinfo([]byte(text))} {
			if have != "" && len(have) != len(id) {
				t.Errorf("have %q, want %d digits or none", have, len(id))
			}
		}
	})
}
