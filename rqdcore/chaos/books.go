package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// inFlight is what a report may be under way when the launch that makes it stale is answered:
// nobody can call back what a socket has taken.
const inFlight = 300 * time.Millisecond

// stage is what Cuebot knows of a launch.
type stage int

const (
	launching stage = iota
	accepted        // It was answered OK.
	unclear         // The answer was lost: it may run or not. A kill clears that up.
	refused         // It will never run.
)

// run is one launch of a frame: what Cuebot tells apart by the time of the dispatch.
type run struct {
	id       string
	frameID  string
	name     string
	resource string
	start    int64 // Epoch milliseconds.
	work     work

	calls sync.Mutex    // Held during a kill and a repeated launch: Cuebot does one at a time.
	done  chan struct{} // Closed with the first outcome.

	// The books' lock guards the rest.
	stage      stage
	acceptedAt time.Time
	first      *outcome
	duplicates int
	changed    int       // Duplicates that say something else.
	struck     string    // What hit the container, or kept it from starting: 256 is as good.
	unstarted  bool      // It may be lost only if its command never begins.
	killSent   bool      // (1, 9) is as good.
	killed     time.Time // When a kill was answered OK.
	superseded bool      // The frame was launched anew without waiting for this end.
}

// outcome is what Cuebot was told.
type outcome struct {
	status, signal int32
	at             time.Time
}

func (o outcome) String() string { return fmt.Sprintf("(%d, %d)", o.status, o.signal) }

// completion is one report of a frame's end.
type completion struct {
	frameID, resource string
	start             int64
	outcome
}

// books are what Cuebot's database would know, and what is wrong with it.
type books struct {
	mu       sync.Mutex
	runs     []*run
	latest   map[string]*run // By frame id.
	reports  int             // Completions that were heard of.
	raced    int             // Stale, but on their way before the launch was accepted.
	swept    time.Time       // When containers were last removed, or lost with their engine.
	problems []string
}

func newBooks() *books { return &books{latest: make(map[string]*run)} }

// open enters a launch that is about to be sent.
func (b *books) open(r *run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.done = make(chan struct{})
	b.runs = append(b.runs, r)
	b.latest[r.frameID] = r
}

func (b *books) accept(r *run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.stage, r.acceptedAt = accepted, time.Now()
}

func (b *books) setStage(r *run, s stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.stage = s
}

// complete enters the report of an end as Cuebot does when it answers OK.
func (b *books) complete(c completion) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports++
	i := slices.IndexFunc(b.runs, func(r *run) bool {
		return r.frameID == c.frameID && r.resource == c.resource && r.start == c.start
	})
	if i < 0 {
		b.problem("completion of a run that was never launched: %+v", c)
		return
	}
	r := b.runs[i]
	b.checkStale(r, c)
	switch {
	case r.stage == refused:
		b.problem("%s: completion %v, though it was refused", r.id, c.outcome)
	case r.first == nil:
		r.first = &c.outcome
		close(r.done)
	default:
		r.duplicates++
		if r.first.status != c.status || r.first.signal != c.signal {
			r.changed++
			if !b.mayChange(r, c.outcome) {
				b.problem("%s: completion %v after %v", r.id, c.outcome, r.first)
			}
		}
	}
}

// mayChange says whether a run that had an end may have got another one. An RQD that dies before it knows that Cuebot has
// heard leaves that to the next, which finds less when the container is gone: then nobody knows the end, or only that a
// kill was asked for.
func (b *books) mayChange(r *run, later outcome) bool {
	switch (outcome{status: later.status, signal: later.signal}) {
	case outcome{status: 256}:
		return r.struck != "" || b.swept.After(r.first.at)
	case outcome{status: 1, signal: 9}:
		return r.killSent && (r.struck != "" || b.swept.After(r.first.at))
	}
	return false
}

// sweep notes that containers may be gone now, also of runs that are over.
func (b *books) sweep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.swept = time.Now()
}

// checkStale looks for a report that would end the frame's next run at Cuebot.
func (b *books) checkStale(r *run, c completion) {
	newer := b.latest[r.frameID]
	if newer == r || newer.stage != accepted || newer.resource != r.resource {
		return
	}
	if late := c.at.Sub(newer.acceptedAt); late > inFlight {
		b.problem("%s: completion %v came %v after the launch of %s was accepted, and would have ended that",
			r.id, c.outcome, late.Round(time.Millisecond), newer.id)
		return
	}
	b.raced++
}

// strike notes that the frame's present run may be lost to the infrastructure.
func (b *books) strike(frameID, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.latest[frameID]; r != nil && r.first == nil {
		r.struck, r.unstarted = why, false
	}
}

// strikeUnstarted notes for every run whose command has not begun that it may never do so.
func (b *books) strikeUnstarted(why string, started func(*run) bool) {
	for _, r := range b.unfinished() {
		if started(r) {
			continue
		}
		b.note(r, func(r *run) {
			if r.struck == "" {
				r.struck, r.unstarted = why, true
			}
		})
	}
}

// unfinished lists the runs that have no outcome and may get one.
func (b *books) unfinished() []*run {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.runs), func(r *run) bool {
		return r.first != nil || r.stage == refused || r.superseded
	})
}

// victims lists the runs that may be tampered with: accepted, not over, and nothing has happened to them yet.
func (b *books) victims(fit func(*run) bool) []*run {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*run
	for _, r := range b.runs {
		if r.stage == accepted && r.first == nil && r.struck == "" && !r.killSent && fit(r) {
			out = append(out, r)
		}
	}
	return out
}

func (b *books) note(r *run, change func(*run)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(r)
}

// wrong notes something that must not be.
func (b *books) wrong(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problem(format, args...)
}

func (b *books) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.runs)
}

func (b *books) wrongs() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.problems)
}

// wasKilled says whether RQD has promised to kill the run, and is known to have it.
func (b *books) wasKilled(r *run) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return r.stage == accepted && !r.killed.IsZero()
}

// problem is wrong for those who hold the lock.
func (b *books) problem(format string, args ...any) {
	b.problems = append(b.problems, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// judge says what is wrong with a run's outcome; nothing when it is as it should be.
func (r *run) judge() string {
	own := outcome{status: r.work.status, signal: r.work.signal}
	switch {
	case r.stage == refused || r.superseded && r.first == nil:
		return ""
	case r.first == nil && r.stage == unclear:
		return "" // It was never accepted, as the kill told.
	case r.first == nil:
		return "no outcome"
	}
	have := outcome{status: r.first.status, signal: r.first.signal}
	switch {
	case have == own && !r.work.endless():
		return ""
	case have == outcome{status: 1, signal: 9} && r.killSent:
		return ""
	case have.status == 256 && r.struck != "":
		return ""
	}
	return fmt.Sprintf("outcome %v, want %v (killed %t, struck by %q)", have, own, r.killSent, r.struck)
}
