package wire

import "syscall"

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
