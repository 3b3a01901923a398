package engine

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"time"
)

// cursorMemory is how many lines of a stream a cursor remembers. Engine 20.10 was seen to repeat
// up to 122 lines after a rotation.
const cursorMemory = 16384

// maxLine bounds what one line may take; a longer one arrives in pieces of at least this size.
const maxLine = 1 << 20

// LogCursor remembers which lines of one container were delivered, so that Logs can be called again
// after a cut without losing or repeating any. The zero value starts at the beginning. It belongs to
// one Logs call at a time.
type LogCursor struct {
	streams [2]recentLines
}

// Newest is the time of the newest line delivered; zero before the first.
func (c *LogCursor) Newest() time.Time {
	newest := c.streams[0].newest
	if c.streams[1].newest.After(newest) {
		newest = c.streams[1].newest
	}
	return newest
}

// Take reports whether the line is new to the cursor, and remembers it.
func (c *LogCursor) Take(line LogLine) bool { return c.take(line, 0) }

func (c *LogCursor) take(line LogLine, piece int) bool {
	if line.Stderr {
		return c.streams[1].take(line, piece)
	}
	return c.streams[0].take(line, piece)
}

// lineKey tells two lines apart. Time alone does not: distinct lines may share one.
type lineKey struct {
	nanos int64
	piece int
	hash  uint64
}

// recentLines is the memory of one stream: the last cursorMemory lines delivered, oldest overwritten.
type recentLines struct {
	newest time.Time
	seed   maphash.Seed
	known  map[lineKey]struct{}
	ring   []lineKey
	next   int
}

// take reports whether the line is new, and remembers it. A line newer than all before is; an older
// one is unless it was delivered, since clocks are set back, too.
func (r *recentLines) take(line LogLine, piece int) bool {
	if r.known == nil {
		r.seed, r.known = maphash.MakeSeed(), map[lineKey]struct{}{}
	}
	key := lineKey{nanos: line.Time.UnixNano(), piece: piece, hash: maphash.Bytes(r.seed, line.Text)}
	if _, seen := r.known[key]; seen {
		return false
	}
	if line.Time.After(r.newest) {
		r.newest = line.Time
	}
	r.known[key] = struct{}{}
	if len(r.ring) < cursorMemory {
		r.ring = append(r.ring, key)
		return true
	}
	delete(r.known, r.ring[r.next])
	r.ring[r.next] = key
	r.next = (r.next + 1) % cursorMemory
	return true
}

// deliverError carries the caller's own error through the demultiplexer.
type deliverError struct{ error }

// lineWriter turns one demultiplexed stream into lines. Each Write is one record of the engine's
// log: a timestamp, a space, and a line, or a fragment of one, which then has no newline. The
// fragments of a line share its timestamp.
type lineWriter struct {
	cursor  *LogCursor
	deliver func(LogLine) error
	stderr  bool

	at    time.Time // Of the fragments in text.
	text  []byte
	open  bool
	piece int // Of the line, when it is longer than maxLine.
}

func (w *lineWriter) pending() bool { return w.open }

// Write implements io.Writer for the demultiplexer, which calls it once a record.
func (w *lineWriter) Write(record []byte) (int, error) {
	stamp, text, ok := bytes.Cut(record, []byte{' '})
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if !ok || err != nil {
		return 0, fmt.Errorf("log record %.40q: does not begin with a timestamp", record)
	}
	if !at.Equal(w.at) {
		if err := w.flush(); err != nil {
			return 0, err
		}
		w.piece = 0
	}
	text, whole := bytes.CutSuffix(text, []byte{'\n'})
	w.at, w.open = at, true
	w.text = append(w.text, text...)
	if !whole && len(w.text) < maxLine {
		return len(record), nil
	}
	if len(w.text) == 0 && w.piece > 0 {
		w.open = false // The line ended where its last piece was cut.
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	w.piece++
	if whole {
		w.piece = 0
	}
	return len(record), nil
}

// flush delivers the line collected so far, unless it was delivered before.
func (w *lineWriter) flush() error {
	if !w.open {
		return nil
	}
	line := LogLine{Time: w.at, Stderr: w.stderr, Text: w.text}
	w.text, w.open = nil, false
	if !w.cursor.take(line, w.piece) {
		return nil
	}
	if err := w.deliver(line); err != nil {
		return &deliverError{err}
	}
	return nil
}
