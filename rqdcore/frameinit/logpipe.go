package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"rqdswarm/internal/wire"
)

const (
	// The buffer of the reader starts small, and grows for a command that fills it.
	firstRead = 4 << 10
	largeRead = 64 << 10
	// pipeSize lets the command write on while the reader is busy. The kernel gives it for the asking.
	pipeSize = 256 << 10
)

// logPipe takes the command's output to the rqlog: pipe, reader, queue, writer.
type logPipe struct {
	queue  *queue
	filter filter
	writer *logWriter
}

// newLogPipe starts the writer; the reader is started with what to read by follow.
func newLogPipe(o *wire.Order, file logFile, events chan<- event) *logPipe {
	q := newQueue()
	l := &logPipe{queue: q, writer: &logWriter{
		queue: q, events: events, file: file, size: o.LogBytes,
		limit: logLimit{bytes: o.LogMaxBytes, path: o.LogPath},
	}}
	if o.Timestamps {
		l.filter.clock = &lineClock{zone: o.Zone}
	}
	go l.writer.run()
	return l
}

// follow copies r until its end. A command that writes faster than the log takes it waits.
func (l *logPipe) follow(r io.Reader) {
	defer l.queue.close()
	buf := make([]byte, firstRead)
	var out []byte
	for {
		n, err := r.Read(buf)
		if l.filter.clock != nil {
			l.filter.clock.set(time.Now())
		}
		if text := buf[:n]; l.filter.passes(text) {
			l.push(text)
		} else {
			out = l.filter.feed(out[:0], text)
			l.push(out)
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			break
		}
		if n == len(buf) && n < largeRead {
			buf = make([]byte, 4*n)
		}
	}
	l.push(l.filter.flush(out[:0]))
}

func (l *logPipe) push(text []byte) {
	if len(text) > 0 {
		l.queue.push(text)
	}
}

// say puts a line of frameinit's own into the log, as soon as may be.
func (l *logPipe) say(line string) { l.queue.say("frameinit: " + line + "\n") }

// newPipe is a pipe whose ends the command does not inherit. Both block: the reader has a thread to itself.
func newPipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	const setPipeSize = 1031 // F_SETPIPE_SZ. Refused when the user has many pipes, which costs only speed.
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fds[0]), setPipeSize, pipeSize)
	return os.NewFile(uintptr(fds[0]), "output"), os.NewFile(uintptr(fds[1]), "output"), nil
}
