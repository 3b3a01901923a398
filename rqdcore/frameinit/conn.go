package main

import (
	"io"
	"os"
	"syscall"
	"time"

	"rqdswarm/internal/wire"
)

// sendLimit bounds a write to an rqdcore that does not read: the frame's owner waits for it.
const sendLimit = 250 * time.Millisecond

// conn is one connection to rqdcore. Package net would double frameinit's size.
type conn struct {
	file *os.File
	raw  syscall.RawConn
	fds  []int // Received and not taken yet, in the order of their messages.
}

func dial(path string) (*conn, error) {
	// Not blocking from the start: connecting would wait for room in rqdcore's queue.
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		_ = syscall.Close(fd)
		return nil, err
	}
	file := os.NewFile(uintptr(fd), path)
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &conn{file: file, raw: raw}, nil
}

// send writes m, or ends the connection: half a message cannot be taken back. One that rqdcore has ended is read to
// its end: a kill may be in it.
func (c *conn) send(m wire.Message) error {
	text, err := wire.Append(nil, m)
	if err != nil {
		return err
	}
	if text, err = wire.WriteNow(c.raw, text); err == nil && len(text) > 0 {
		err = c.push(text)
	}
	if err != nil && !wire.HungUp(err) {
		c.close()
	}
	return err
}

// push waits for room. A deadline that stood would wake frameinit up long after.
func (c *conn) push(text []byte) error {
	if err := c.file.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return err
	}
	if _, err := c.file.Write(text); err != nil {
		return err
	}
	return c.file.SetWriteDeadline(time.Time{})
}

func (c *conn) close() { _ = c.file.Close() } // The reader notices and tells.

// hear passes on what comes until the connection ends.
func (c *conn) hear(events chan<- event) {
	for {
		m, err := wire.Read(c, 0)
		if err != nil {
			break
		}
		events <- received{conn: c, m: m, file: c.take(m)}
	}
	for _, fd := range c.fds {
		_ = syscall.Close(fd)
	}
	c.close()
	events <- disconnected{conn: c}
}

// Read is for wire.Read; descriptors that come along are kept for take.
func (c *conn) Read(p []byte) (n int, err error) {
	var oob [64]byte
	var oobn int
	var recvErr error
	err = c.raw.Read(func(fd uintptr) bool {
		for {
			n, oobn, _, _, recvErr = syscall.Recvmsg(int(fd), p, oob[:], syscall.MSG_CMSG_CLOEXEC)
			if recvErr != syscall.EINTR {
				return recvErr != syscall.EAGAIN
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case recvErr != nil:
		return 0, recvErr
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, c.keep(oob[:oobn])
}

func (c *conn) keep(oob []byte) error {
	if len(oob) == 0 {
		return nil
	}
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return err
	}
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			continue // Not descriptors.
		}
		c.fds = append(c.fds, fds...)
	}
	return nil
}

// take is the descriptor that belongs to m; -1 when it has none.
func (c *conn) take(m wire.Message) int {
	if m.Order == nil && m.Log == nil || len(c.fds) == 0 {
		return -1
	}
	fd := c.fds[0]
	c.fds = c.fds[1:]
	return fd
}

// fdFile is a received descriptor. It blocks, whatever kind of file it is: the log's writer
// has a thread to itself.
type fdFile int

func (f fdFile) Write(p []byte) (int, error) {
	n, err := syscall.Write(int(f), p)
	return max(n, 0), err
}

func (f fdFile) Close() error { return syscall.Close(int(f)) }
