package main

import (
	"syscall"
	"time"

	"rqdswarm/internal/wire"
)

const (
	// orderLimit is how long frameinit waits for an order from RQD before it gives the container up.
	orderLimit = 60 * time.Second
	// launchLimit is how long a start that hangs is waited for once the frame shall end.
	launchLimit = 2 * time.Second
	// leftoverGrace is for what the command leaves in the background when it ends by itself.
	leftoverGrace = 500 * time.Millisecond
	// signalGrace fits into the 10 s that an engine gives a container it stops, with the drain.
	signalGrace = 3 * time.Second
	// drainLimit is how long a log that does not take its rest is waited for.
	drainLimit = 2 * time.Second
	// killAgain is how often what is left is killed; stuckAfter, when the log is told that it does not die.
	killAgain  = 100 * time.Millisecond
	stuckAfter = 5 * time.Second
)

// host is what the frame does to the world. Nothing here may block; answers are events.
type host interface {
	token() string
	dial(after time.Duration)
	launch(o *wire.Order, log *logPipe)
	signal(s syscall.Signal)
	print(line []byte)
}

// gauge measures the frame. The process list comes as an event, or never.
type gauge interface {
	memory() (memory, swap int64, ok bool)
	all() (usage, bool)
	list()
}

// peer is a connection to rqdcore.
type peer interface {
	send(m wire.Message) error
	close()
}

// frame is one frame's whole life. Only the goroutine in run touches it.
type frame struct {
	host   host
	gauge  gauge
	events <-chan event
	out    chan<- event // The same, for the log.
	open   func(fd int) logFile

	state state
	order *wire.Order
	log   *logPipe
	logUp bool // The log's last byte is not written yet.

	pid     int
	begin   *wire.Started
	began   time.Time
	ending  ending
	figures figures
	link    uplink

	deadline *time.Timer // Of the state.
	due      time.Time   // When deadline fires.
	lease    *time.Timer
	sampling *time.Timer
}

func newFrame(h host, g gauge, events chan event) *frame {
	return &frame{
		host: h, gauge: g, events: events, out: events,
		open:     func(fd int) logFile { return fdFile(fd) },
		deadline: stopped(), lease: stopped(), sampling: stopped(),
	}
}

// stopped is a timer that fires only once it is reset.
func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// run is everything from the container's start to its exit code.
func (f *frame) run() int {
	f.lease.Reset(orderLimit)
	f.host.dial(0)
	for f.state != done {
		select {
		case ev := <-f.events:
			f.handle(ev)
		case <-f.deadline.C:
			f.late()
		case <-f.lease.C:
			f.expire()
		case <-f.sampling.C:
			f.sample()
		}
	}
	return f.conclude()
}

func (f *frame) handle(ev event) {
	switch ev := ev.(type) {
	case connected:
		f.link.attach(ev.conn)
		f.greet()
	case received:
		f.hear(ev)
	case disconnected:
		f.disconnect(ev.conn)
	case started:
		f.launched(ev)
	case reaped:
		f.reaped(ev)
	case childless:
		f.step(nothingLeft)
	case listed:
		f.listed(ev.list)
	case logLimited:
		f.end(ending{cause: wire.CauseLogLimit, detail: ev.detail}, f.killGrace())
	case logStale:
		f.link.send(wire.Message{NeedLog: &wire.NeedLog{Reason: ev.reason}}) // Asked again if it gets lost.
	case logDone:
		f.logDone(ev.err)
	case signalled:
		f.end(ending{cause: wire.CauseSignal, detail: "container got " + signalName(ev.signal) + " from outside of RQD"}, min(f.killGrace(), signalGrace))
	}
}

// step is the only way to another state.
func (f *frame) step(in input) {
	before := f.state
	f.state = before.next(in)
	if f.state != before {
		f.enter()
	}
}

// enter does what a state begins with.
func (f *frame) enter() {
	switch f.state {
	case launching:
		f.host.launch(f.order, f.log)
	case calledOff:
		f.expect(launchLimit)
	case running:
		f.sampleAgain()
	case stopping:
		f.host.signal(syscall.SIGTERM)
		f.host.signal(syscall.SIGCONT) // Or a stopped process would not notice.
		f.expect(f.ending.grace)
	case killing:
		f.ending.killing = time.Now()
		f.host.signal(syscall.SIGKILL)
		f.expect(killAgain)
	case draining:
		f.expect(drainLimit)
		if !f.logUp {
			f.step(logWritten)
		}
	}
}

// expect sets the deadline of the state.
func (f *frame) expect(d time.Duration) {
	f.due = time.Now().Add(d)
	f.deadline.Reset(d)
}

// late is the deadline of the state.
func (f *frame) late() {
	if f.state != killing {
		f.step(deadlinePassed)
		return
	}
	f.host.signal(syscall.SIGKILL)
	f.expect(killAgain)
	if !f.ending.stuck && time.Since(f.ending.killing) > stuckAfter {
		f.ending.stuck = true
		f.log.say("processes of this frame do not die: they are stuck in the kernel, most likely in I/O")
	}
}

func (f *frame) launched(ev started) {
	if ev.err != nil {
		f.setEnding(ending{cause: wire.CauseLaunch, detail: ev.err.Error()})
		f.step(launchFailed)
		return
	}
	f.pid, f.began = ev.pid, time.Now()
	f.begin = &wire.Started{PID: ev.pid, UnixMillis: f.began.UnixMilli()}
	f.order.Environment, f.order.Command = nil, "" // May be megabytes.
	f.link.send(wire.Message{Started: f.begin})
	f.step(launched)
	f.greet()
}

func (f *frame) reaped(ev reaped) {
	f.figures.reap(ev.usage)
	if ev.pid != f.pid {
		return
	}
	code, signal := exitOf(ev.status)
	f.ending.exited(code, signal, f.began)
	f.setEnding(ending{cause: wire.CauseExit})
	if f.state == running {
		f.ending.grace = leftoverGrace
	}
	f.step(commandExited)
}

func (f *frame) logDone(err error) {
	f.logUp = false
	if err != nil {
		f.ending.addDetail(err.Error())
	}
	if f.state == draining {
		f.step(logWritten)
	}
}

// killGrace is what the order says; before there is one nothing has to be waited for.
func (f *frame) killGrace() time.Duration {
	if f.order == nil {
		return 0
	}
	return time.Duration(f.order.KillGraceMillis) * time.Millisecond
}
