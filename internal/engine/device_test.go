package engine_test

import (
	"testing"

	"rqdswarm/internal/engine"
)

func TestParseDevice(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]engine.Device{
		"/dev/fuse":             {HostPath: "/dev/fuse", ContainerPath: "/dev/fuse", Permissions: "rwm"},
		"/dev/sda:/dev/xvda":    {HostPath: "/dev/sda", ContainerPath: "/dev/xvda", Permissions: "rwm"},
		"/dev/sda:r":            {HostPath: "/dev/sda", ContainerPath: "/dev/sda", Permissions: "r"},
		"/dev/sda:/dev/xvda:rw": {HostPath: "/dev/sda", ContainerPath: "/dev/xvda", Permissions: "rw"},
	} {
		if have, ok := engine.ParseDevice(text); !ok || have != want {
			t.Errorf("%s: have %+v (%t), want %+v", text, have, ok, want)
		}
	}
	for _, text := range []string{"", "fuse", "/dev/fuse:x", "/dev/fuse:", "/dev/a:/dev/b:r:w", ":/dev/b"} {
		if have, ok := engine.ParseDevice(text); ok {
			t.Errorf("%q was taken for %+v", text, have)
		}
	}
}
