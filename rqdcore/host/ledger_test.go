package host

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/machine"
)

// twoSockets is a machine of two sockets with two hyper-threaded cores each.
func twoSockets() []machine.Core {
	return []machine.Core{
		{Socket: 0, CPUs: []int{0, 4}},
		{Socket: 0, CPUs: []int{1, 5}},
		{Socket: 1, CPUs: []int{2, 6}},
		{Socket: 1, CPUs: []int{3, 7}},
	}
}

func threadable(points frame.CorePoints) frame.Frame {
	return frame.Frame{Cores: points, Environment: map[string]string{"CUE_THREADABLE": "1"}}
}

func TestLedgerPinning(t *testing.T) {
	t.Parallel()
	l := newLedger(500, twoSockets())
	for _, tc := range []struct {
		name  string
		frame frame.Frame
		want  []int
	}{
		{"one core, first socket", threadable(100), []int{0, 4}},
		{"the emptier socket comes first", threadable(100), []int{2, 6}},
		{"half cores are never pinned", frame.Frame{Cores: 50}, nil},
		{"150 points are two whole cores", threadable(150), []int{1, 3, 5, 7}},
		{"idle points but no whole core: unpinned", threadable(100), nil},
	} {
		r, err := l.reserve(tc.frame)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if !slices.Equal(r.CPUs, tc.want) {
			t.Errorf("%s: have CPUs %v, want %v", tc.name, r.CPUs, tc.want)
		}
	}
	if _, err := l.reserve(threadable(100)); err == nil {
		t.Error("all is booked: want a refusal")
	}
}

func TestLedgerLocks(t *testing.T) {
	t.Parallel()
	l := newLedger(800, nil)
	if _, err := l.reserve(frame.Frame{Cores: 200}); err != nil {
		t.Fatal(err)
	}
	l.lockCores(800)
	if have, want := l.snapshot(), (frame.Cores{Total: 800, Locked: 600, Booked: 200}); have != want {
		t.Errorf("locked while 200 are booked: have %+v, want %+v", have, want)
	}
	l.release(frame.Reservation{Cores: 200})
	if have, want := l.snapshot(), (frame.Cores{Total: 800, Locked: 800}); have != want {
		t.Errorf("cores that become free are locked, too: have %+v, want %+v", have, want)
	}
	if l.unlockCores(-5) {
		t.Error("unlock of -5 changed something")
	}
	l.unlockCores(300)
	if have, want := l.snapshot(), (frame.Cores{Total: 800, Idle: 300, Locked: 500}); have != want {
		t.Errorf("have %+v, want %+v", have, want)
	}
}

func TestLedgerGPUs(t *testing.T) {
	t.Parallel()
	l := newLedger(400, nil)
	l.offer([]int{2, 0, 1})
	a, _ := l.reserve(frame.Frame{Cores: 100, GPUs: 2})
	if _, err := l.reserve(frame.Frame{Cores: 100, GPUs: 2}); err == nil {
		t.Error("two of one free GPU were given")
	}
	if have := l.snapshot().Booked; have != 100 {
		t.Errorf("a refused frame left %d points booked, want 100", have)
	}
	b, _ := l.reserve(frame.Frame{Cores: 100, GPUs: 1})
	if slices.ContainsFunc(b.GPUs, func(id int) bool { return slices.Contains(a.GPUs, id) }) {
		t.Errorf("GPU given twice: %v and %v", a.GPUs, b.GPUs)
	}
}

// TestLedgerNeverDrifts plays random calls and checks after each that nothing is lost or given twice.
func TestLedgerNeverDrifts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger(400, twoSockets())
		l.offer([]int{0, 1})
		var held []frame.Reservation
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				f := frame.Frame{Cores: frame.CorePoints(rapid.IntRange(1, 300).Draw(t, "cores")), GPUs: int32(rapid.IntRange(0, 2).Draw(t, "gpus"))}
				if rapid.Bool().Draw(t, "threadable") {
					f.Environment = map[string]string{"CUE_THREADABLE": "1"}
				}
				if r, err := l.reserve(f); err == nil {
					held = append(held, r)
				}
			},
			"release": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nothing held")
				}
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				l.release(held[i])
				held = slices.Delete(held, i, i+1)
			},
			"restore": func(t *rapid.T) { // OVERRIDE_CORES may have been higher.
				r := frame.Reservation{Cores: frame.CorePoints(rapid.IntRange(1, 900).Draw(t, "held"))}
				l.restore(r)
				held = append(held, r)
			},
			"lock":   func(t *rapid.T) { l.lockCores(frame.CorePoints(rapid.IntRange(-50, 500).Draw(t, "n"))) },
			"unlock": func(t *rapid.T) { l.unlockCores(frame.CorePoints(rapid.IntRange(-50, 500).Draw(t, "n"))) },
			"": func(t *rapid.T) {
				checkLedger(t, l, held)
			},
		})
	})
}

func checkLedger(t *rapid.T, l *ledger, held []frame.Reservation) {
	s := l.snapshot()
	if s.Idle+s.Locked+s.Booked != s.Total || s.Idle < 0 || s.Locked < 0 || s.Booked < 0 {
		t.Fatalf("ledger does not add up: %+v", s)
	}
	var booked frame.CorePoints
	cpus, gpus := make(map[int]int), make(map[int]int)
	for _, r := range held {
		booked += r.Cores
		for _, c := range r.CPUs {
			cpus[c]++
		}
		for _, g := range r.GPUs {
			gpus[g]++
		}
	}
	if booked != s.Booked {
		t.Fatalf("booked %d, frames hold %d", s.Booked, booked)
	}
	for id, n := range cpus {
		if n > 1 {
			t.Fatalf("CPU %d given %d times", id, n)
		}
	}
	if len(gpus)+len(l.freeGPUs()) != 2 {
		t.Fatalf("%d GPUs held and %d free of 2", len(gpus), len(l.freeGPUs()))
	}
}

func TestLedgerRestore(t *testing.T) {
	t.Parallel()
	before := newLedger(400, twoSockets())
	before.offer([]int{0, 1})
	r, _ := before.reserve(frame.Frame{Cores: 200, GPUs: 1, Environment: map[string]string{"CUE_THREADABLE": "1"}})
	after := newLedger(400, twoSockets())
	after.restore(r)
	after.offer([]int{0, 1}) // Cards may be known only later.
	next, err := after.reserve(frame.Frame{Cores: 200, GPUs: 1, Environment: map[string]string{"CUE_THREADABLE": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	if overlaps(r.CPUs, next.CPUs) || slices.Equal(r.GPUs, next.GPUs) {
		t.Errorf("what an adopted frame holds was given again: %+v and %+v", r, next)
	}
	after.release(r)
	after.release(next)
	if have, want := after.snapshot(), (frame.Cores{Total: 400, Idle: 400}); have != want {
		t.Errorf("have %+v, want %+v", have, want)
	}
}
