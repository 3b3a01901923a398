package loki

import (
	"fmt"
	"sync"
	"time"
)

const (
	maxQueue = 4 << 20   // Bytes of lines that wait for a Loki that is away.
	maxBatch = 512 << 10 // Bytes of lines in one push.
	overhead = 64        // What an entry costs besides its text, in memory and on the wire.
)

type entry struct {
	at   int64 // Nanoseconds; no two of a stream are alike, so that their order stays.
	line string
}

func (e entry) size() int { return len(e.line) + overhead }

// queue holds the lines that are not sent yet. When it is full, the oldest make room: how a
// render ends tells more than how it began.
type queue struct {
	mu      sync.Mutex
	entries []entry
	bytes   int
	lost    int // Lines dropped since the last batch was taken.
	last    int64
	wake    chan struct{} // Holds a token when something was added.
}

func (q *queue) add(now time.Time, line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	// Twice the step leaves room for the word about lost lines before the entry.
	q.last = max(now.UnixNano(), q.last+2)
	e := entry{at: q.last, line: line}
	q.entries = append(q.entries, e)
	q.bytes += e.size()
	for q.bytes > maxQueue {
		q.bytes -= q.entries[0].size()
		q.entries[0] = entry{} // The array stays for a while; the text must not.
		q.entries = q.entries[1:]
		q.lost++
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes the next batch, which begins with a word about lines that were lost before it.
func (q *queue) take() batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	var b batch
	if len(q.entries) == 0 {
		return b
	}
	if q.lost > 0 {
		b.entries = append(b.entries, entry{at: q.entries[0].at - 1, line: fmt.Sprintf("RQD: %d lines are missing here: Loki did not take them", q.lost)})
		b.lost, q.lost = q.lost, 0
	}
	size := 0
	for len(q.entries) > 0 && (size == 0 || size+q.entries[0].size() <= maxBatch) {
		size += q.entries[0].size()
		b.entries = append(b.entries, q.entries[0])
		q.entries[0] = entry{}
		q.entries = q.entries[1:]
	}
	q.bytes -= size
	return b
}

// drop counts the lines of a batch that will not be sent.
func (q *queue) drop(b batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost += b.lines()
}

func (q *queue) state() (bytes, lines, lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes, len(q.entries), q.lost
}

// batch is what one push carries.
type batch struct {
	entries []entry
	lost    int // Lines that the first entry reports as lost.
}

// lines is how many of the frame's lines are lost with the batch, or by it.
func (b batch) lines() int {
	n := len(b.entries) + b.lost
	if b.lost > 0 {
		n-- // The word about them is not the frame's.
	}
	return n
}
