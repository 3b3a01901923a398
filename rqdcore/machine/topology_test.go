package machine

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/rqdcore/frame"
)

func TestTopology(t *testing.T) {
	t.Parallel()
	type facts struct {
		Sockets, Multiplier int
		Total, PerProc      frame.CorePoints
		Cores               int
		First, Last         Core
	}
	none := Core{}
	for name, tc := range map[string]struct {
		dir     string
		options Options
		want    facts
	}{
		"one socket":           {"one-socket", Options{}, facts{1, 1, 400, 400, 4, Core{0, []int{0}}, Core{0, []int{3}}}},
		"two sockets":          {"two-sockets", Options{}, facts{2, 1, 800, 400, 8, Core{0, []int{0}}, Core{1, []int{7}}}},
		"hyper-threading":      {"hyper-threading", Options{}, facts{2, 2, 400, 200, 4, Core{0, []int{0, 4}}, Core{1, []int{3, 7}}}},
		"48 cores":             {"48-cores", Options{}, facts{2, 2, 4800, 2400, 48, Core{0, []int{0, 48}}, Core{1, []int{47, 95}}}},
		"aarch64":              {"aarch64", Options{}, facts{2, 1, 800, 400, 8, Core{0, []int{0}}, Core{1, []int{7}}}},
		"aarch64, undescribed": {"aarch64-undescribed", Options{}, facts{1, 1, 200, 200, 2, Core{0, []int{0}}, Core{0, []int{1}}}},
		"without topology":     {"vm-without-topology", Options{}, facts{3, 1, 300, 100, 0, none, none}},
		"cores given":          {"one-socket", Options{OverrideCores: 2}, facts{1, 1, 200, 200, 4, Core{0, []int{0}}, Core{0, []int{3}}}},
		"threads given":        {"hyper-threading", Options{OverrideCores: 6}, facts{2, 2, 300, 150, 4, Core{0, []int{0, 4}}, Core{1, []int{3, 7}}}},
		"sockets given":        {"one-socket", Options{OverrideProcs: 2}, facts{2, 1, 400, 200, 4, Core{0, []int{0}}, Core{0, []int{3}}}},
		"both given":           {"vm-without-topology", Options{OverrideCores: 16, OverrideProcs: 1}, facts{1, 1, 1600, 1600, 0, none, none}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topology, err := readTopology(FS("testdata/"+tc.dir), tc.options)
			if err != nil {
				t.Fatal(err)
			}
			have := facts{Sockets: topology.Sockets, Multiplier: topology.Multiplier, Total: topology.Total, PerProc: topology.CoresPerProc(), Cores: len(topology.Cores)}
			if topology.Pinnable() {
				have.First, have.Last = topology.Cores[0], topology.Cores[len(topology.Cores)-1]
			}
			if diff := cmp.Diff(tc.want, have); diff != "" {
				t.Errorf("want (-), have (+):\n%s", diff)
			}
			if topology.HyperThreaded() != (tc.want.Multiplier > 1) {
				t.Errorf("have hyper-threading %v, want it with multiplier %d", topology.HyperThreaded(), tc.want.Multiplier)
			}
		})
	}
}

// TestTopologyOfNothing wants an error rather than a host without cores.
func TestTopologyOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := readTopology(FS(t.TempDir()), Options{}); err == nil {
		t.Error("have no error without /proc/cpuinfo")
	}
	empty := root(t, map[string]string{"proc/cpuinfo": "Hardware\t: board\n"})
	if have, err := readTopology(empty, Options{}); err == nil {
		t.Errorf("have %+v of no processor, want an error", have)
	}
}

func TestTopologyWarnings(t *testing.T) {
	t.Parallel()
	odd := Topology{Sockets: 3, Multiplier: 1, Total: 700, Cores: []Core{{CPUs: []int{0}}}}
	if have := odd.warnings(); len(have) != 1 {
		t.Errorf("have warnings %v, want one of the lost core point", have)
	}
	if have := (Topology{Sockets: 1, Multiplier: 1, Total: 100}).warnings(); len(have) != 1 {
		t.Errorf("have warnings %v, want one of pinning", have)
	}
}

// FuzzCPUInfo wants of any text a topology that core accounting can rest on: no logical CPU in two cores.
func FuzzCPUInfo(f *testing.F) {
	for _, dir := range []string{"one-socket", "hyper-threading", "vm-without-topology", "aarch64"} {
		text, err := os.ReadFile("testdata/" + dir + "/proc/cpuinfo")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("processor: 0\nphysical id: 0\ncore id: 0\nsiblings: 0\ncpu cores: 9\nprocessor: 0\nphysical id: 1\ncore id: 0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		topology, ok := topologyOf(parseCPUInfo(text))
		if !ok {
			return
		}
		if topology.Sockets < 1 || topology.Multiplier < 1 {
			t.Fatalf("have %+v, want at least one of each", topology)
		}
		owner := make(map[int]int)
		for i, core := range topology.Cores {
			if len(core.CPUs) == 0 {
				t.Fatalf("core %d has no CPU", i)
			}
			for _, cpu := range core.CPUs {
				if other, taken := owner[cpu]; taken {
					t.Fatalf("CPU %d is of cores %d and %d", cpu, other, i)
				}
				owner[cpu] = i
			}
		}
	})
}
