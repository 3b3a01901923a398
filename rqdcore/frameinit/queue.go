package main

import (
	"sync"
	"time"
)

const (
	// queueLimit is how much output waits for a log that does not take it before the command
	// has to wait, too.
	queueLimit = 4 << 20
	smallChunk = 4 << 10
	largeChunk = 64 << 10
)

// chunk is a piece of the log. It never ends within a character.
type chunk struct {
	text   []byte
	notice bool // A line of frameinit's own, not of the command's.
}

// queue is the bounded buffer between the log's reader and its writer. Memory is taken as it is needed.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	chunks  []chunk
	spare   []byte // The last chunk's memory, for the next one.
	size    int
	wanted  int  // Room that a push waits for. There is one that pushes.
	woken   bool // By wake, for pause.
	closed  bool
}

func newQueue() *queue {
	q := &queue{}
	q.changed.L = &q.mu
	return q
}

// push adds a copy of text, of at most queueLimit bytes, and waits for room. Only one goroutine may push. Small pieces share a chunk.
func (q *queue) push(text []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.wanted = len(text); q.full(); {
		q.changed.Broadcast() // pause may be waiting for this.
		q.changed.Wait()
	}
	q.wanted = 0
	q.size += len(text)
	if last := len(q.chunks) - 1; last >= 0 {
		c := &q.chunks[last]
		if !c.notice && len(c.text)+len(text) <= cap(c.text) {
			c.text = append(c.text, text...)
			return
		}
	}
	q.chunks = append(q.chunks, chunk{text: append(q.room(len(text)), text...)})
	q.changed.Broadcast()
}

// full says whether a push has to wait.
func (q *queue) full() bool { return q.wanted > 0 && q.size+q.wanted > queueLimit }

// room is memory for at least n bytes. Most commands write little: they are not given a large chunk.
func (q *queue) room(n int) []byte {
	room := q.spare[:0]
	if cap(room) < n {
		return make([]byte, 0, max(smallChunk, n))
	}
	q.spare = nil
	return room
}

// say adds a line of frameinit's own, or drops it when there is no room: it never waits.
func (q *queue) say(line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.size+len(line) > queueLimit {
		return
	}
	q.size += len(line)
	q.chunks = append(q.chunks, chunk{text: []byte(line), notice: true})
	q.changed.Broadcast()
}

// pop waits for the oldest chunk; false is the end.
func (q *queue) pop() (chunk, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.chunks) == 0 {
		if q.closed {
			return chunk{}, false
		}
		q.changed.Wait()
	}
	c := q.chunks[0]
	q.chunks[0] = chunk{}
	q.chunks = q.chunks[1:]
	if len(q.chunks) == 0 {
		q.chunks = nil
	}
	return c, true
}

// release says that a popped chunk was dealt with; only then is there room for more.
func (q *queue) release(c chunk) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.size -= len(c.text)
	if cap(c.text) <= largeChunk && cap(c.text) > cap(q.spare) {
		q.spare = c.text
	}
	if q.wanted > 0 {
		q.changed.Broadcast()
	}
}

// pause waits for d, but not longer than until wake. It is false as soon as a push waits for room.
func (q *queue) pause(d time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	over := false
	timer := time.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		over = true
		q.changed.Broadcast()
	})
	defer timer.Stop()
	for !over && !q.woken && !q.full() {
		q.changed.Wait()
	}
	q.woken = false
	return !q.full()
}

// wake ends a pause, the present or the next one.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.woken = true
	q.changed.Broadcast()
}

// close says that no more comes.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

// waiting is how many bytes are not dealt with yet.
func (q *queue) waiting() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(q.size)
}
