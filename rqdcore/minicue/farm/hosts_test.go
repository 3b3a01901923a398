package farm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResourcesFollowABootReportOnlyWhileNothingRuns(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	boot(t, f, "render01")
	submit(t, f, nil)
	o := book(t, f, "render01")
	m := machine("render01")
	m.CoresPerProc = 800
	f.Boot(Report{Machine: m})
	if have := f.Hosts()[0].Cores; have != 400 {
		t.Errorf("cores while a frame runs: want 400, have %d", have)
	}
	f.Complete(ended(o, 0, 0))
	f.Report(Report{Machine: m})
	if have := f.Hosts()[0].Cores; have != 400 {
		t.Errorf("cores after a host report: want 400, have %d", have)
	}
	f.Boot(Report{Machine: m})
	if have := f.Hosts()[0].Cores; have != 800 {
		t.Errorf("cores after a boot report: want 800, have %d", have)
	}
}

func TestBookableMemoryIsCuebots(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tags []string
		want int64
	}{{nil, 23592960}, {[]string{"64bit"}, 24641536}} {
		f, _ := newFarm(t)
		m := machine("render01")
		m.TotalMemory, m.Tags = 24684084, c.tags
		f.Boot(Report{Machine: m})
		if have := f.Hosts()[0].Memory; have != c.want {
			t.Errorf("tags %v: want %d KiB, have %d", c.tags, c.want, have)
		}
	}
}

func TestReportsThatCuebotDrops(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Machine){
		"swapout is no integer": func(m *Machine) { m.Attributes["swapout"] = "1.5" },
		"SP_OS is too long":     func(m *Machine) { m.Attributes["SP_OS"] = strings.Repeat("x", 33) },
		"name is too long":      func(m *Machine) { m.Name = strings.Repeat("n", 46) },
		"no name":               func(m *Machine) { m.Name = "" },
		"no memory":             func(m *Machine) { m.TotalMemory = 700 * 1024 },
	} {
		f, _ := newFarm(t)
		m := machine("render01")
		change(&m)
		if out := f.Boot(Report{Machine: m}); len(out.Problems) != 1 {
			t.Errorf("%s: want one problem, have %q", name, out.Problems)
		}
		if have := len(f.Hosts()); have != 0 {
			t.Errorf("%s: want no host, have %d", name, have)
		}
	}
}

func TestDoubtsAreKept(t *testing.T) {
	t.Parallel()
	f, _ := newFarm(t)
	m := machine("render01")
	m.Tags = []string{strings.Repeat("a", 45), strings.Repeat("b", 46), strings.Repeat("c", 40)}
	m.Attributes["SP_OS"] = "rocky9, centos7"
	out := f.Boot(Report{Machine: m})
	if len(out.Problems) != 3 {
		t.Errorf("want the long tag, all tags and the blank named, have %q", out.Problems)
	}
	if diff := cmp.Diff(out.Problems, f.Hosts()[0].Doubts); diff != "" {
		t.Errorf("doubts of the host differ from those of the report:\n%s", diff)
	}
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	for reported, want := range map[string]string{
		"node7.farm.example": "node7", "127.0.0.121": "127.0.0.121", "::7": "::7", "node7": "node7", "300.0.0.1": "300",
	} {
		if have := shortName(reported); have != want {
			t.Errorf("%s: want %s, have %s", reported, want, have)
		}
	}
	f, _ := newFarm(t)
	boot(t, f, "node7.farm.example")
	boot(t, f, "node7.farm.example")
	if have := len(f.Hosts()); have != 1 {
		t.Errorf("hosts: want 1, have %d", have)
	}
}
