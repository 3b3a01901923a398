package gpu_test

import (
	"strings"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/rqdcore/gpu"
	"rqdswarm/rqdcore/machine"
)

func stage(t *testing.T, script enginetest.Script) (*enginetest.Fake, machine.NvidiaSMI) {
	t.Helper()
	t.Setenv("PATH", t.TempDir()) // This machine may have an nvidia-smi of its own.
	fake := enginetest.NewFake()
	fake.AddImage(engine.Image{Tags: []string{"rocky9:1"}})
	fake.OnStart(func(s engine.Spec, _ string) enginetest.Script {
		if len(s.GPUs) != 1 || s.GPUs[0].Count != -1 || strings.Join(append(s.Entrypoint, s.Cmd...), " ") != strings.Join(machine.NvidiaQuery(), " ") {
			t.Errorf("have %+v, want nvidia-smi with all cards", s)
		}
		return script
	})
	return fake, machine.NvidiaSMI{Run: gpu.Helper{Engine: fake, Image: "rocky9:1"}.Run}
}

func TestCardsAreAskedInAContainer(t *testing.T) {
	fake, smi := stage(t, enginetest.Script{Output: []string{"0, 16130, 16000", "1, 16130, 100"}, Errors: []string{"a warning"}, Lifetime: -1})
	cards, err := smi.GPUs(t.Context())
	if err != nil || len(cards) != 2 || cards[1].Free != 104858 {
		t.Errorf("have %+v (%v), want two cards", cards, err)
	}
	wantNothingLeft(t, fake)
}

func TestFailuresAreTold(t *testing.T) {
	for name, tc := range map[string]struct {
		script enginetest.Script
		want   string
	}{
		"no driver":     {enginetest.Script{ExitCode: 9, Lifetime: -1}, "ended with 9"},
		"no runtime":    {enginetest.Script{StartError: engine.ErrInvalid}, "start helper of image rocky9:1"},
		"other program": {enginetest.Script{Output: []string{"hello"}, Lifetime: -1}, `"hello"`},
	} {
		t.Run(name, func(t *testing.T) {
			fake, smi := stage(t, tc.script)
			if _, err := smi.GPUs(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have %v, want %q", err, tc.want)
			}
			wantNothingLeft(t, fake)
		})
	}
}

func wantNothingLeft(t *testing.T, fake *enginetest.Fake) {
	t.Helper()
	if left, err := fake.List(t.Context(), nil); err != nil || len(left) != 0 {
		t.Errorf("have %v (%v), want no container", left, err)
	}
}
