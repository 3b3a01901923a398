package main

import (
	"syscall"
	"time"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/internal/wire"
)

// uplink is the connection to rqdcore, which comes and goes.
type uplink struct {
	conn    peer // Nil while there is none.
	greeted bool // The hello is sent.
	heard   bool // rqdcore has answered: it knows this frame.
	backoff time.Duration
}

func (l *uplink) attach(c peer) { l.conn, l.greeted, l.heard = c, false, false }

// send sends m if rqdcore is there. A connection that breaks is told of by its reader.
func (l *uplink) send(m wire.Message) {
	if l.conn != nil && l.greeted {
		_ = l.conn.send(m)
	}
}

// greet says hello once there is something to say: not while the command is being started,
// or a second order would come for it.
func (f *frame) greet() {
	if f.link.conn == nil || f.link.greeted {
		return
	}
	phase := wire.PhaseWaiting
	if f.state != waiting {
		if f.begin == nil {
			return
		}
		phase = wire.PhaseRunning
	}
	f.link.greeted = true
	f.link.send(wire.Message{Hello: f.hello(phase)})
}

func (f *frame) hello(phase wire.Phase) *wire.Hello {
	h := &wire.Hello{
		Version: wire.Version, Oldest: wire.MinVersion, Token: f.host.token(), Build: buildinfo.Version,
		Phase: phase, Started: f.begin,
	}
	if f.begin != nil {
		f.measureAll()
		figures := f.figures.Figures
		h.Figures = &figures
	}
	return h
}

// hear handles one message of rqdcore. Each of them renews the lease.
func (f *frame) hear(ev received) {
	if ev.conn != f.link.conn {
		closeFile(ev.file)
		return
	}
	f.link.heard, f.link.backoff = true, 0
	f.renew()
	switch m := ev.m; {
	case m.Order != nil:
		f.accept(m.Order, ev.file)
	case m.Log != nil:
		f.relog(*m.Log, ev.file)
	case m.Kill != nil:
		f.end(ending{cause: wire.CauseKill}, time.Duration(m.Kill.GraceMillis)*time.Millisecond)
	case m.Alive != nil:
		f.answer()
	}
}

// accept takes the first order; it may come again when a connection broke.
func (f *frame) accept(o *wire.Order, file int) {
	switch {
	case f.state != waiting:
		closeFile(file)
		return
	case file < 0: // No log, no frame: maybe the next connection brings one.
		f.link.conn.close()
		return
	}
	f.order, f.logUp = o, true
	f.log = newLogPipe(o, f.open(file), f.out)
	f.renew()
	f.step(ordered)
}

func (f *frame) relog(l wire.Log, file int) {
	if f.log == nil || file < 0 {
		closeFile(file)
		return
	}
	f.log.writer.replace(freshLog{file: f.open(file), size: l.LogBytes})
}

func (f *frame) disconnect(c peer) {
	if c != f.link.conn {
		return
	}
	if f.link.heard && f.leaseTime() > 0 {
		f.lease.Reset(f.leaseTime()) // It lived until now.
	}
	f.link.conn = nil
	f.link.backoff = longer(f.link.backoff)
	f.host.dial(f.link.backoff)
}

// renew starts the lease anew. While the connection stands rqdcore is given the time that
// two of its signs of life take.
func (f *frame) renew() {
	switch lease := f.leaseTime(); {
	case f.order == nil:
		f.lease.Reset(orderLimit)
	case lease > 0:
		f.lease.Reset(max(lease, 2*wire.AlivePeriod))
	default:
		f.lease.Stop()
	}
}

// leaseTime is measured by Go's timers, which go by CLOCK_MONOTONIC: a clock that is set moves nothing,
// and the time that a host is suspended does not count. Frames and RQD then wake up together.
func (f *frame) leaseTime() time.Duration {
	if f.order == nil {
		return orderLimit
	}
	return time.Duration(f.order.LeaseSeconds) * time.Second
}

func closeFile(fd int) {
	if fd >= 0 {
		_ = syscall.Close(fd)
	}
}
