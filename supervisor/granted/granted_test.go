package granted

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/supervisor/swarm"
)

// supervisor puts one on a fresh engine and says what a container of its image prints.
func supervisor(t *testing.T, script enginetest.Script) (*enginetest.Fake, swarm.Self) {
	t.Helper()
	fake := enginetest.NewFake()
	fake.AddImage(engine.Image{Tags: []string{"supervisor:1"}, Labels: map[string]string{swarm.RoleLabel: swarm.RoleSupervisor}})
	id, _, err := fake.Create(t.Context(), engine.Spec{Image: "supervisor:1"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := fake.Inspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	fake.OnStart(func(s engine.Spec, _ string) enginetest.Script {
		if s.PIDMode != "host" || !slices.Equal(s.Cmd, []string{"capabilities"}) {
			t.Errorf("want the command in the host's pid namespace, have %+v", s)
		}
		if s.Labels[swarm.RoleLabel] == swarm.RoleSupervisor || s.Labels[swarm.RoleLabel] == "" {
			t.Errorf("want a role of its own, have %v", s.Labels)
		}
		return script
	})
	return fake, swarm.Self{Container: c}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script enginetest.Script
		want   []string
		err    string
	}{
		"default set":    {enginetest.Script{Output: []string{"00000000a80425fb"}, Lifetime: -1}, strings.Fields("AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"), ""},
		"one, and a new": {enginetest.Script{Output: []string{"8000000001000000"}, Lifetime: -1}, []string{"SYS_RESOURCE"}, ""},
		"failed":         {enginetest.Script{Errors: []string{"supervisor: no such command"}, Lifetime: -1, ExitCode: 2}, nil, "want a hexadecimal set"},
		"not started":    {enginetest.Script{StartError: engine.ErrUnavailable}, nil, "ask for capabilities: "},
	} {
		fake, self := supervisor(t, c.script)
		have, err := Ask(t.Context(), fake, self)
		if !slices.Equal(have, c.want) || (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: want %v and %q, have %v, %v", name, c.want, c.err, have, err)
		}
		if left, _ := fake.List(t.Context(), nil); len(left) != 1 {
			t.Errorf("%s: want nothing left but the supervisor, have %d containers", name, len(left))
		}
	}
	if _, err := Ask(t.Context(), enginetest.NewFake(), swarm.Self{}); err == nil {
		t.Error("bare: want an error, have none")
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(text string) {
		if err := os.MkdirAll(filepath.Join(root, "proc/7"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "proc/7/status"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("Name:\tshim\nCapEff:\t0000000000000001\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\n")
	var b strings.Builder
	if err := Print(&b, root, 7); err != nil || b.String() != "000001fffeffffff\n" {
		t.Errorf("want the bounding set, have %q, %v", &b, err)
	}
	write("Name:\tshim\n")
	if err := Print(&b, root, 7); err == nil || !strings.Contains(err.Error(), "/proc/7/status has no CapBnd") {
		t.Errorf("want an error that names the file, have %v", err)
	}
	if err := Print(&b, root, 8); err == nil || !strings.Contains(err.Error(), "host's pid namespace") {
		t.Errorf("want an error that says what is wrong, have %v", err)
	}
}
