package main

import (
	"syscall"
	"time"

	"rqdswarm/internal/wire"
)

// defaultPeriod is the least time between two figures when the order does not say.
const defaultPeriod = 10 * time.Second

// figures are the newest measurements with the peaks so far.
type figures struct {
	wire.Figures
	pace     pace
	due      bool      // To be sent when the process list comes.
	asked    time.Time // For the last ones that were sent; zero before the first.
	told     int64     // The memory they said, in KiB.
	childRSS int64
	// Processor time of reaped children in milliseconds, for containers whose cgroup cannot be
	// seen: what a killed orphan used is missing in it.
	user, system int64
}

// reap counts what a process that ended has used. Its own peak may have been between two samples.
func (g *figures) reap(u syscall.Rusage) {
	g.childRSS = max(g.childRSS, u.Maxrss)
	g.user += time.Duration(u.Utime.Nano()).Milliseconds()
	g.system += time.Duration(u.Stime.Nano()).Milliseconds()
	g.MaxRSS = max(g.MaxRSS, g.childRSS)
}

func (g *figures) setMemory(memory, swap int64) {
	g.RSS, g.Swap = memory, swap
	g.MaxRSS = max(g.MaxRSS, memory, g.childRSS)
	g.pace.look(memory+swap, time.Now())
}

// sample is a look that nobody asked for, early on at the processes, too. rqdcore is told when
// memory moved, and once anyway.
func (f *frame) sample() {
	g := &f.figures
	seen := f.look()
	first := g.asked.IsZero() && !g.pace.early()
	switch {
	case (first || moved(g.told, g.RSS)) && f.mayReport():
		f.report()
	case !seen, g.pace.early():
		f.gauge.list()
	}
	f.sampleAgain()
}

// answer is what rqdcore's sign of life gets: figures, since frameinit is awake anyhow.
func (f *frame) answer() {
	switch f.state {
	case running, stopping, killing:
	default:
		return
	}
	if f.mayReport() {
		f.look()
		f.report()
		f.sampleAgain()
	}
}

// look is false when there is no cgroup to look at.
func (f *frame) look() bool {
	memory, swap, ok := f.gauge.memory()
	if ok {
		f.figures.setMemory(memory, swap)
	}
	return ok
}

// mayReport bounds how many messages a frame costs.
func (f *frame) mayReport() bool {
	return f.figures.asked.IsZero() || time.Since(f.figures.asked) >= f.figuresPeriod()
}

func (f *frame) sampleAgain() {
	if f.state != draining {
		f.sampling.Reset(f.figures.pace.next(time.Now()))
	}
}

// report has figures sent as soon as the process list is there.
func (f *frame) report() {
	if f.figures.due { // The list asked for last time hangs.
		f.measureAll()
		f.sendFigures()
	}
	f.figures.due, f.figures.asked = true, time.Now()
	f.gauge.list()
}

func (f *frame) listed(l processList) {
	g := &f.figures
	g.VSize = l.vsize
	g.MaxVSize = max(g.MaxVSize, l.vsize)
	if len(l.processes) > 0 { // At the end the last that lived are the ones to tell of.
		g.Processes = l.processes
	}
	if !f.measureAll() {
		g.setMemory(l.rss, 0)
		g.UserMillis, g.SystemMillis = max(g.UserMillis, g.user+l.user), max(g.SystemMillis, g.system+l.system)
	}
	if g.due {
		g.due = false
		f.sendFigures()
	}
}

func (f *frame) sendFigures() {
	f.figures.told = f.figures.RSS
	f.link.send(wire.Message{Figures: &f.figures.Figures})
}

// measureAll brings everything up to date but the process list. It is false when the cgroup
// cannot be seen: then the list has to stand in for it.
func (f *frame) measureAll() bool {
	g := &f.figures
	u, ok := f.gauge.all()
	if ok {
		g.setMemory(u.memory/1024, u.swap/1024)
		g.UserMillis, g.SystemMillis, g.OOMKills = u.user/1000, u.system/1000, u.oomKills
	} else {
		g.UserMillis, g.SystemMillis = max(g.UserMillis, g.user), max(g.SystemMillis, g.system)
	}
	if f.log != nil {
		g.LogBytes, g.LogLost = f.log.writer.written.Load(), f.log.writer.lost.Load()
	}
	return ok
}

func (f *frame) figuresPeriod() time.Duration {
	if f.order.FiguresMillis <= 0 {
		return defaultPeriod
	}
	return time.Duration(f.order.FiguresMillis) * time.Millisecond
}
