package host

import (
	"cmp"
	"fmt"
	"slices"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/machine"
)

// pointsPerCore is OpenCue's unit: one physical core is 100 core points.
const pointsPerCore = 100

// ledger keeps what the machine has and who holds it. It is not safe for concurrent use: Host guards it.
//
// Only three numbers are stored; idle and the reported locked cores follow from them, so
// idle + locked + booked = total can not drift. Locking more than is free takes effect as
// frames end.
type ledger struct {
	total  frame.CorePoints
	booked frame.CorePoints
	lock   frame.CorePoints // What was asked to be locked, at most total.
	cores  []machine.Core   // Physical cores that can be pinned to; none on machines that do not tell.
	pinned map[int]bool     // By index in cores.
	cards  []int            // Ids of the GPUs that the machine has now, ascending.
	held   map[int]bool     // Ids of GPUs that frames hold, whether the machine still has them or not.
}

func newLedger(total frame.CorePoints, cores []machine.Core) *ledger {
	return &ledger{total: total, cores: cores, pinned: make(map[int]bool), held: make(map[int]bool)}
}

// offer says which GPUs there are. They may come late, when a driver is slow to load, and go.
func (l *ledger) offer(cards []int) { l.cards = slices.Sorted(slices.Values(cards)) }

// freeGPUs are the ids that nobody holds, ascending.
func (l *ledger) freeGPUs() []int {
	return slices.DeleteFunc(slices.Clone(l.cards), func(id int) bool { return l.held[id] })
}

func (l *ledger) locked() frame.CorePoints { return min(l.lock, max(0, l.total-l.booked)) }
func (l *ledger) idle() frame.CorePoints   { return max(0, l.total-l.booked-l.locked()) }

// snapshot reports what is booked as there, also where OVERRIDE_CORES is lower now than what adopted frames hold.
func (l *ledger) snapshot() frame.Cores {
	return frame.Cores{Total: max(l.total, l.booked), Idle: l.idle(), Locked: l.locked(), Booked: l.booked}
}

// reserve takes what f asks for, all of it or nothing.
func (l *ledger) reserve(f frame.Frame) (frame.Reservation, error) {
	if idle := l.idle(); f.Cores > idle {
		return frame.Reservation{}, fmt.Errorf("%w: frame asks for %d core points, %d are idle (%d booked, %d locked of %d)",
			frame.ErrNoResources, f.Cores, idle, l.booked, l.locked(), l.total)
	}
	want, free := int(f.GPUs), l.freeGPUs()
	if want > len(free) {
		return frame.Reservation{}, fmt.Errorf("%w: frame asks for %d GPUs, %d of %d are free", frame.ErrNoResources, want, len(free), len(l.cards))
	}
	r := frame.Reservation{Cores: f.Cores, GPUs: free[:want:want]}
	l.hold(r.GPUs)
	l.booked += f.Cores
	if f.Threadable() {
		r.CPUs = l.pin(f.Cores)
	}
	return r, nil
}

// restore books again what a frame of an earlier RQD holds, whatever the ledger would say to a new one.
func (l *ledger) restore(r frame.Reservation) {
	l.booked += r.Cores
	for i, core := range l.cores {
		if overlaps(core.CPUs, r.CPUs) {
			l.pinned[i] = true
		}
	}
	l.hold(r.GPUs)
}

func (l *ledger) hold(gpus []int) {
	for _, id := range gpus {
		l.held[id] = true
	}
}

// release gives back what reserve or restore took.
func (l *ledger) release(r frame.Reservation) {
	l.booked -= r.Cores
	for i, core := range l.cores {
		if overlaps(core.CPUs, r.CPUs) {
			delete(l.pinned, i)
		}
	}
	for _, id := range r.GPUs {
		delete(l.held, id)
	}
}

// pin takes whole cores for points, rounded up, from the socket with most free cores first,
// and returns all their threads, ascending. Idle core points decide about admission, so a
// frame for which there are not enough whole cores runs unpinned: pin returns none.
func (l *ledger) pin(points frame.CorePoints) []int {
	need := int(points+pointsPerCore-1) / pointsPerCore
	free := l.freeCores()
	if need > len(free) {
		return nil
	}
	var cpus []int
	for _, i := range free[:need] {
		l.pinned[i] = true
		cpus = append(cpus, l.cores[i].CPUs...)
	}
	slices.Sort(cpus)
	return cpus
}

// freeCores lists the unpinned cores, grouped by socket, the socket with most of them first.
func (l *ledger) freeCores() []int {
	var free []int
	bySocket := make(map[int]int)
	for i, core := range l.cores {
		if !l.pinned[i] {
			free = append(free, i)
			bySocket[core.Socket]++
		}
	}
	slices.SortStableFunc(free, func(a, b int) int {
		sa, sb := l.cores[a].Socket, l.cores[b].Socket
		return cmp.Or(cmp.Compare(bySocket[sb], bySocket[sa]), cmp.Compare(sa, sb))
	})
	return free
}

// lockCores locks up to n more core points and says whether that changed anything.
func (l *ledger) lockCores(n frame.CorePoints) bool {
	m := min(l.total-l.lock, n)
	if m <= 0 {
		return false
	}
	l.lock += m
	return true
}

// unlockCores unlocks up to n core points and says whether that changed anything.
func (l *ledger) unlockCores(n frame.CorePoints) bool {
	m := min(l.lock, n)
	if m <= 0 {
		return false
	}
	l.lock -= m
	return true
}

func overlaps(a, b []int) bool {
	return slices.ContainsFunc(a, func(cpu int) bool { return slices.Contains(b, cpu) })
}
