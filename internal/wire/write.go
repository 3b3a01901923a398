package wire

import (
	"errors"
	"syscall"
)

// WriteNow writes what the socket takes without waiting, nearly always everything, and returns the rest.
func WriteNow(socket syscall.RawConn, text []byte) (rest []byte, err error) {
	var n int
	var writeErr error
	err = socket.Write(func(fd uintptr) bool {
		n, writeErr = syscall.Write(int(fd), text)
		return true
	})
	if err == nil && writeErr != syscall.EAGAIN && writeErr != syscall.EINTR {
		err = writeErr
	}
	return text[max(n, 0):], err
}

// HungUp says that a write failed because the other end has closed the connection. What it said before can still
// be read, a frame's record for example: whoever closes this end loses it.
func HungUp(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
