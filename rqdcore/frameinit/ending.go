package main

import (
	"fmt"
	"syscall"
	"time"

	"rqdswarm/internal/wire"
)

// exitCalledOff is frameinit's exit code for a frame that was ended before its command was started.
const exitCalledOff = 128 + int(syscall.SIGTERM)

// ending is why and how the frame ends.
type ending struct {
	cause   wire.Cause // Empty until it ends. The first cause stays.
	detail  string
	grace   time.Duration // Between SIGTERM and SIGKILL.
	killing time.Time     // When the first SIGKILL was sent.
	stuck   bool          // The log says that something does not die.

	ended        bool // The command did.
	code, signal int
	at           time.Time
	ran          time.Duration
}

func (e *ending) exited(code, signal int, began time.Time) {
	e.ended, e.code, e.signal, e.at = true, code, signal, time.Now()
	e.ran = e.at.Sub(began) // By the monotonic clock.
}

func (e *ending) addDetail(text string) {
	if e.detail != "" {
		text = e.detail + "; " + text
	}
	e.detail = text
}

// setEnding keeps the first cause: what comes later is its consequence, or too late.
func (f *frame) setEnding(e ending) {
	if f.ending.cause == "" {
		f.ending.cause, f.ending.detail = e.cause, e.detail
	}
}

// end asks for the frame's end. Asked again with less grace, less is given.
func (f *frame) end(e ending, grace time.Duration) {
	f.setEnding(e)
	switch f.state {
	case waiting, launching, running:
		f.ending.grace = grace
		f.step(endWanted)
	case calledOff:
		f.ending.grace = min(f.ending.grace, grace)
	case stopping:
		if left := time.Until(f.due); e.cause == wire.CauseKill && grace < left {
			f.expect(grace)
		}
	case killing, draining, done:
	}
}

// expire is the end of the lease: nobody has spoken for this frame for too long.
func (f *frame) expire() {
	detail := fmt.Sprintf("no RQD for %v (FRAME_LEASE_SECONDS)", f.leaseTime())
	if f.order == nil {
		detail = fmt.Sprintf("no order from RQD within %v", orderLimit)
	}
	f.end(ending{cause: wire.CauseLease, detail: detail}, f.killGrace())
}

// conclude tells how the frame ended, both ways, and returns frameinit's own exit code.
func (f *frame) conclude() int {
	exit := f.record()
	if f.link.conn != nil {
		m := wire.Message{Exit: &exit}
		if !f.link.greeted { // Before the command started, or it never did.
			hello := f.hello(wire.PhaseExited)
			hello.Exit = &exit
			m = wire.Message{Hello: hello}
		}
		_ = f.link.conn.send(m) // The line below is there for the case that this fails.
	}
	f.host.print(wire.AppendRecord(nil, exit))
	switch {
	case exit.Cause == wire.CauseLaunch, f.order == nil && exit.Cause == wire.CauseLease:
		return exitLaunch
	case !f.ending.ended:
		return exitCalledOff
	case exit.Signal != 0:
		return 128 + exit.Signal
	}
	return exit.Code
}

// record is the wire's word for the ending.
func (f *frame) record() wire.Exit {
	e := f.ending
	if !e.ended {
		e.at = time.Now()
	}
	f.measureAll()
	if f.log != nil && f.state == done && f.logUp {
		f.figures.LogLost = f.log.writer.missing()
	}
	return wire.Exit{
		Cause: e.cause, Code: e.code, Signal: e.signal, Detail: e.detail,
		UnixMillis: e.at.UnixMilli(), RunMillis: e.ran.Milliseconds(), Figures: f.figures.Figures,
	}
}

func signalName(s syscall.Signal) string {
	if s == syscall.SIGINT {
		return "SIGINT"
	}
	return "SIGTERM"
}
