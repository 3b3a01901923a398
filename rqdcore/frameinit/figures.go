package main

import (
	"syscall"
	"time"

	"rqdswarm/internal/wire"
)

// defaultPeriod is how often figures are sent when the order does not say.
const defaultPeriod = 10 * time.Second

// figures are the newest measurements with the peaks so far.
type figures struct {
	wire.Figures
	pace     pace
	due      bool // To be sent when the process list comes.
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
}

// sample looks at the memory, and early on at the processes, too.
func (f *frame) sample() {
	if memory, swap, ok := f.gauge.memory(); ok {
		f.figures.setMemory(memory, swap)
	}
	if f.figures.pace.early() {
		f.gauge.list()
	}
	if f.state != draining {
		f.sampling.Reset(f.figures.pace.next())
	}
}

// report has figures sent as soon as the process list is there. They are a sample, too: the
// next one counts from here, so that both wake frameinit up at the same times.
func (f *frame) report() {
	if f.figures.due { // The list asked for last time hangs.
		f.sendFigures()
	}
	f.figures.due = true
	f.gauge.list()
	f.reports.Reset(f.figuresPeriod())
	if !f.figures.pace.early() && f.state != draining {
		f.sampling.Reset(slowest)
	}
}

func (f *frame) listed(l processList) {
	g := &f.figures
	g.VSize = l.vsize
	g.MaxVSize = max(g.MaxVSize, l.vsize)
	if len(l.processes) > 0 { // At the end the last that lived are the ones to tell of.
		g.Processes = l.processes
	}
	if _, ok := f.gauge.all(); !ok {
		g.setMemory(l.rss, 0)
		g.UserMillis, g.SystemMillis = max(g.UserMillis, g.user+l.user), max(g.SystemMillis, g.system+l.system)
	}
	if g.due {
		g.due = false
		f.sendFigures()
	}
}

func (f *frame) sendFigures() {
	f.measureAll()
	f.link.send(wire.Message{Figures: &f.figures.Figures})
}

// measureAll brings everything up to date but the process list.
func (f *frame) measureAll() {
	g := &f.figures
	if u, ok := f.gauge.all(); ok {
		g.setMemory(u.memory/1024, u.swap/1024)
		g.UserMillis, g.SystemMillis, g.OOMKills = u.user/1000, u.system/1000, u.oomKills
	} else {
		g.UserMillis, g.SystemMillis = max(g.UserMillis, g.user), max(g.SystemMillis, g.system)
	}
	if f.log != nil {
		g.LogBytes, g.LogLost = f.log.writer.written.Load(), f.log.writer.lost.Load()
	}
}

func (f *frame) figuresPeriod() time.Duration {
	if f.order.FiguresMillis <= 0 {
		return defaultPeriod
	}
	return time.Duration(f.order.FiguresMillis) * time.Millisecond
}
