package main

import (
	"time"

	"rqdswarm/internal/wire"
)

const (
	firstLook = 50 * time.Millisecond
	// closely is the longest pause between two looks at memory that has moved within restless,
	// rarely at memory that stands still. rqdcore's signs of life come more often than rarely,
	// and each of them is a look already.
	closely  = 5 * time.Second
	restless = 10 * time.Second
	rarely   = wire.AlivePeriod + wire.AlivePeriod/2
	// leastMove, in KiB, or a sixteenth of what there was is a movement.
	leastMove = 8 << 10
)

// pace is how often memory is looked at: often at first, so that a short frame's peak is seen,
// and whenever it moves; the longer it stands still, the less often. Waking up costs more than
// to look, and every frame on the host does it.
type pace struct {
	wait  time.Duration
	level int64     // Memory at the last movement, in KiB.
	since time.Time // When that was.
}

// next is how long to wait for the next look.
func (p *pace) next(now time.Time) time.Duration {
	if p.since.IsZero() {
		p.since = now
	}
	slowest := rarely
	if now.Sub(p.since) < restless {
		slowest = closely
	}
	p.wait = min(max(2*p.wait, firstLook), slowest)
	return p.wait
}

// look notes how much memory there is now.
func (p *pace) look(memory int64, now time.Time) {
	if moved(p.level, memory) {
		p.level, p.since = memory, now
	}
}

// early says that the command has started a few seconds ago: its processes are looked at each time, too.
func (p *pace) early() bool { return p.wait < closely }

// moved says whether it matters that memory went from one amount to another, both in KiB.
func moved(from, to int64) bool { return max(from, to)-min(from, to) >= max(leastMove, from/16) }
