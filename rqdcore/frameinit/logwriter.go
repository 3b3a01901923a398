package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	// retryPause is how long a log that refuses is left alone; output collects in the queue meanwhile.
	retryPause = 200 * time.Millisecond
	// askPause is how often a fresh descriptor is asked for.
	askPause = 5 * time.Second
)

// logFile is an rqlog's descriptor. Write may stall for as long as the file system does.
type logFile interface {
	io.WriteCloser
}

// logWriter empties the queue into the rqlog. It is apart from everything else in frameinit,
// because a write may hang: nothing waits for it but the command, and that only once the
// queue is full. What cannot be written is counted, and said where it is missing.
type logWriter struct {
	queue  *queue
	limit  logLimit
	events chan<- event

	file    logFile
	size    int64 // Of the file.
	midLine bool
	over    bool // The limit was reached: all that follows is dropped.

	fault  error // Why the newest write failed.
	told   int64 // Of what was lost, how much the log says.
	tail   []byte
	marker []byte // Said partly; the rest has to follow.
	asked  time.Time

	written atomic.Int64 // By this frameinit.
	lost    atomic.Int64

	mu    sync.Mutex
	fresh *freshLog
}

// logLimit is JOB_LOG_MAX_SIZE_IN_BYTES; 0 is none.
type logLimit struct {
	bytes int64
	path  string // For people.
}

type freshLog struct {
	file logFile
	size int64
}

// run writes until the queue is closed and empty.
func (w *logWriter) run() {
	for {
		c, ok := w.queue.pop()
		if !ok {
			break
		}
		w.swap()
		w.put(c)
		w.queue.release(c)
	}
	err := w.last()
	// A network file system may say only now that it could not keep what it took.
	if closeErr := w.file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close rqlog: %w", closeErr)
	}
	w.events <- logDone{err: err}
}

// last says what is missing at the end of the log.
func (w *logWriter) last() error {
	err := w.mark()
	for err != nil && w.queue.pause(retryPause) { // For as long as frameinit waits.
		w.swap()
		err = w.mark()
	}
	return err
}

// put deals with one chunk: it is written, or lost, or beyond the limit.
func (w *logWriter) put(c chunk) {
	text := c.text
	if c.notice {
		text = w.ownLine(string(c.text))
	}
	if w.over {
		return
	}
	if w.limit.bytes > 0 && !c.notice && w.size+int64(len(text)) > w.limit.bytes {
		w.overflow(text)
		return
	}
	w.store(text)
}

// overflow fills the log up to its limit and has the frame killed. The kill comes first: it must
// not wait for a log that hangs.
func (w *logWriter) overflow(text []byte) {
	text = cutText(text, w.limit.bytes-w.size)
	detail := w.limit.message(w.size + int64(len(text)))
	w.over = true
	w.events <- logLimited{detail: detail}
	w.store(text)
	w.store(w.ownLine("frameinit: frame killed: " + detail + "\n"))
}

// store writes text. While the log refuses, it tries again until the command would have to
// wait for room in the queue: then the oldest output, this one, is given up.
func (w *logWriter) store(text []byte) {
	for len(text) > 0 {
		err := w.mark()
		if err == nil {
			text, err = w.write(text)
		}
		if err == nil {
			return
		}
		w.complain(err)
		if !w.queue.pause(retryPause) {
			w.drop(text)
			return
		}
		w.swap()
	}
}

// write is what of text could not be written, and why.
func (w *logWriter) write(text []byte) ([]byte, error) {
	for len(text) > 0 {
		n, err := w.file.Write(text)
		if n > 0 {
			w.size += int64(n)
			w.written.Add(int64(n))
			w.midLine = text[n-1] != '\n'
			text = text[n:]
		}
		if err == nil && n == 0 {
			err = io.ErrNoProgress
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return text, err
		}
	}
	return nil, nil
}

// mark says in the log what was lost since it last said so.
func (w *logWriter) mark() (err error) {
	if len(w.marker) > 0 {
		w.marker, err = w.write(w.marker)
		return err
	}
	lost := w.lost.Load()
	if lost == w.told {
		return nil
	}
	line := fmt.Sprintf("frameinit: %d bytes of output are missing here, the log could not be written: %v\n", lost-w.told, w.fault)
	// The character that was cut off is finished first: the log stays valid UTF-8.
	text := append(bytes.Clone(w.tail), w.ownLine(line)...)
	rest, err := w.write(text)
	if len(rest) == len(text) {
		return err // Next time there is more to tell.
	}
	w.told, w.tail, w.marker = lost, nil, rest
	return err
}

// drop counts text as lost.
func (w *logWriter) drop(text []byte) {
	lost := len(text)
	if len(w.marker) == 0 && len(w.tail) == 0 {
		n := 0
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n++
		}
		w.tail = append(w.tail, text[:n]...)
		w.midLine = w.midLine || n > 0
		lost -= n
	}
	w.lost.Add(int64(lost))
}

// complain notes why the log refuses and asks for another descriptor where that may help.
func (w *logWriter) complain(err error) {
	w.fault = plainError(err)
	if !goneStale(err) || !w.asked.IsZero() && time.Since(w.asked) < askPause {
		return
	}
	w.asked = time.Now()
	w.events <- logStale{reason: w.fault.Error()}
}

// replace gives the writer another descriptor. It does not wait for the old one to let go.
func (w *logWriter) replace(f freshLog) {
	w.mu.Lock()
	before := w.fresh
	w.fresh = &f
	w.mu.Unlock()
	if before != nil {
		_ = before.file.Close() // Never written to.
	}
	w.queue.wake()
}

func (w *logWriter) swap() {
	w.mu.Lock()
	f := w.fresh
	w.fresh = nil
	w.mu.Unlock()
	if f == nil {
		return
	}
	old := w.file
	go func() { _ = old.Close() }() // May hang, and has nothing to say that the failed write did not.
	w.file, w.size, w.asked = f.file, f.size, time.Time{}
}

// missing is how many bytes are not in the log, given that nobody waits any longer.
func (w *logWriter) missing() int64 { return w.lost.Load() + w.queue.waiting() }

// ownLine is a line of frameinit's on a line of its own.
func (w *logWriter) ownLine(line string) []byte {
	if w.midLine {
		line = "\n" + line
	}
	return []byte(line)
}

func (l logLimit) message(size int64) string {
	text := fmt.Sprintf("log has %d bytes, JOB_LOG_MAX_SIZE_IN_BYTES is %d", size, l.bytes)
	if l.path != "" {
		text += ": " + l.path
	}
	return text
}

// cutText is the first limit bytes of text, or up to three less: a character is not cut.
func cutText(text []byte, limit int64) []byte {
	if limit <= 0 {
		return nil
	}
	n := int(min(limit, int64(len(text))))
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// goneStale is for errors that a descriptor opened anew may not have.
func goneStale(err error) bool {
	for _, stale := range []error{syscall.ESTALE, syscall.ENOTCONN, syscall.EBADF, syscall.EIO, syscall.ENODEV, syscall.EPIPE} {
		if errors.Is(err, stale) {
			return true
		}
	}
	return false
}

// plainError is the kernel's word without the path around it.
func plainError(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
