package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// meter follows the CPU time of processes that come and go.
type meter struct {
	pids        func() []int
	first, last map[int]used
}

// used is the CPU time of a process by two counts: the exact one forgets threads that ended, the
// coarse one forgets nothing.
type used struct{ exact, coarse time.Duration }

// newMeter counts from now on; a process that comes later counts from its start.
func newMeter(pids func() []int) *meter {
	m := &meter{pids: pids, last: map[int]used{}}
	m.look()
	m.first = maps.Clone(m.last)
	return m
}

func (m *meter) look() {
	for _, pid := range m.pids() {
		before := m.last[pid]
		if coarse, err := cpuOf(pid); err == nil {
			before.coarse = max(before.coarse, coarse)
		}
		if exact, err := fineCPUOf(pid); err == nil {
			before.exact = max(before.exact, exact)
		}
		m.last[pid] = before
	}
}

func (m *meter) seconds() float64 {
	var sum time.Duration
	for pid, now := range m.last {
		exact, coarse := now.exact-m.first[pid].exact, now.coarse-m.first[pid].coarse
		if coarse > exact+coarseStep { // Threads have ended.
			exact = coarse
		}
		sum += exact
	}
	return sum.Seconds()
}

// coarseStep is how much the coarse count may be off: a tick at both ends, of both kinds.
const coarseStep = 40 * time.Millisecond

// meterEvery is how often processes are looked at that may end: what one does after the last look is not counted.
const meterEvery = 20 * time.Millisecond

// logFigures are what is measured of a log.
type logFigures struct {
	seconds, agent, init, daemon Figure
}

// logs lets a frame write a lot of lines into its log.
func (w *world) logs(ctx context.Context) ([]Figure, error) {
	size := w.opts.logBytes
	script := filepath.Join(w.dir, "lines.sh")
	text := fmt.Sprintf("yes %s | head -c %d\n", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"[:99], size)
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil { // #nosec G306 -- artists read it.
		return nil, err
	}
	what := fmt.Sprintf("%d MB of 100-byte lines into the log", size/1_000_000)
	f := logFigures{
		seconds: Figure{Name: what, Unit: "s", Target: "at most 1.5 of the engine alone"},
		agent:   Figure{Name: what + ": CPU of RQD", Unit: "s", Target: "nothing measurable"},
		init:    Figure{Name: what + ": CPU of frameinit", Unit: "s"},
		daemon:  Figure{Name: what + ": CPU of the engine", Unit: "s", Target: "as the engine alone"},
	}
	err := w.turns(ctx, w.opts.longRounds, func(c contestant) error { return w.logOnce(ctx, c, &f, script) })
	figures := []Figure{f.seconds, f.agent, f.init, f.daemon}
	for i := range figures {
		figures[i].order()
	}
	return figures, err
}

func (w *world) logOnce(ctx context.Context, c contestant, f *logFigures, script string) error {
	command := "sh " + script
	if c.name == floorName {
		command += " > " + filepath.Join(w.dir, "floor.log")
	}
	var agent *meter
	for _, r := range w.rqds() {
		if r.name == c.name {
			agent = newMeter(func() []int { return []int{r.cmd.Process.Pid} })
		}
	}
	inits, daemon := newMeter(func() []int { return w.inits() }), newMeter(func() []int { return pidsOf(isDaemon) })
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		inits.follow(over)
	}()
	sent, ended, err := c.run(ctx, command)
	close(over)
	<-watched
	if err != nil {
		return err
	}
	daemon.look()
	f.seconds.add(c.name, ended.Sub(sent).Seconds())
	f.daemon.add(c.name, daemon.seconds())
	if agent != nil {
		agent.look()
		f.agent.add(c.name, agent.seconds())
	}
	if c.name == rqdName {
		f.init.add(c.name, inits.seconds())
	}
	return nil
}

// inits are the frameinits of our RQD, by the run directory that only its frames mount.
func (w *world) inits() []int {
	var ours []int
	for _, pid := range pidsOf(isFrameInit) {
		raw, err := os.ReadFile(procFile(pid, "mountinfo")) // #nosec G304 -- below /proc.
		if err == nil && containsMount(raw, filepath.Join(w.rqd.dir, "run")) {
			ours = append(ours, pid)
		}
	}
	return ours
}

func (m *meter) follow(over <-chan struct{}) {
	ticker := time.NewTicker(meterEvery)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
			m.look()
		}
	}
}
