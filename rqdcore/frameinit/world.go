package main

import (
	"os"
	"syscall"
	"time"

	"rqdswarm/internal/wire"
)

// world is everything outside of the frame's state: the kernel and rqdcore.
type world struct {
	meter  *meter
	hello  string // The token.
	socket string
	events chan event
	first  bool // Whether frameinit is process 1 of a pid namespace.
	proc   procfs
}

// newWorld prepares the process for its part. The token is taken out of what anybody inherits.
func newWorld(token, socket string) (*world, error) {
	if err := os.Unsetenv(wire.TokenEnv); err != nil {
		return nil, err
	}
	w := &world{
		hello: token, socket: socket, first: os.Getpid() == 1, proc: procfs{"/proc"},
		// Room for a burst of exits; who sends more waits for the frame's goroutine, which never waits for them.
		events: make(chan event, 64),
	}
	w.meter = newMeter("/", w.events)
	if !w.first {
		// What the command orphans comes back to frameinit, as to process 1.
		if err := prctlAll(prSetChildSubreaper, 1); err != nil {
			return nil, err
		}
	}
	catchSignals(w.events)
	return w, nil
}

func (w *world) token() string { return w.hello }

// dial connects to rqdcore after a while, however often it takes. A connected event follows.
func (w *world) dial(after time.Duration) {
	go func() {
		for wait := after; ; {
			time.Sleep(wait)
			c, err := dial(w.socket)
			if err == nil {
				w.events <- connected{conn: c}
				c.hear(w.events)
				return
			}
			wait = longer(wait)
		}
	}()
}

// longer is the back-off: from 50 ms up to a second.
func longer(wait time.Duration) time.Duration {
	return min(max(2*wait, 50*time.Millisecond), time.Second)
}

// launch starts the command and everything that waits for it. A started event follows.
func (w *world) launch(o *wire.Order, log *logPipe) {
	go func() {
		pid, err := w.start(o, log)
		w.events <- started{pid: pid, err: err}
		if err == nil {
			go reap(w.events) // Not here: this goroutine's thread has the command's niceness.
		}
	}()
}

// start says in the log why there is no command, before the log's end comes.
func (w *world) start(o *wire.Order, log *logPipe) (int, error) {
	in, out, err := newPipe()
	if err != nil {
		log.say(err.Error())
		log.queue.close()
		return 0, err
	}
	l := launcher{order: o, accounts: accounts{"/"}, environ: os.Environ(), output: out, say: log.say}
	pid, err := l.start()
	if err != nil {
		log.say(err.Error())
	}
	_ = out.Close() // Only the frame's processes keep it: its end is theirs.
	go log.follow(in)
	return pid, err
}

// signal sends s to everything in the frame but frameinit. Process 1 reaches all of its
// namespace at once, and nothing beyond it. In the host's namespace, or another container's,
// the same call would kill the artist's other frames: there only what descends from frameinit is signalled.
func (w *world) signal(s syscall.Signal) {
	if w.first {
		_ = syscall.Kill(-1, s) // Nothing left is what the reaper tells.
		return
	}
	for _, pid := range w.proc.descendants(os.Getpid()) {
		_ = syscall.Kill(pid, s)
	}
}

// print leaves the record in the container's own log, for an rqdcore that is away.
func (w *world) print(line []byte) {
	_, _ = os.Stdout.Write(line)
}
