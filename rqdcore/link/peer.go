package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rqdswarm/internal/wire"
)

// Peer is one connection of a frameinit. Its methods may be called from several goroutines;
// each returns within the server's write timeout, and after an error the connection is over: what
// the frameinit has said until then, and the end, are still told.
type Peer struct {
	conn    *net.UnixConn
	timeout time.Duration
	done    chan struct{} // Closed after the last event.
	alive   atomic.Bool   // A sign of life is on its way.

	writing sync.Mutex
	mu      sync.Mutex
	reason  error // Why the connection was ended from this side.
}

// Order tells frameinit what to run and gives it the rqlog. The caller keeps its descriptor.
func (p *Peer) Order(o wire.Order, log *os.File) error {
	return p.send(wire.Message{Order: &o}, log)
}

// Log gives frameinit a fresh descriptor of the rqlog. The caller keeps its own.
func (p *Peer) Log(l wire.Log, log *os.File) error {
	return p.send(wire.Message{Log: &l}, log)
}

// Kill asks for the frame's end; its record follows.
func (p *Peer) Kill(k wire.Kill) error { return p.send(wire.Message{Kill: &k}, nil) }

// Ack says that the record is safe.
func (p *Peer) Ack() error { return p.send(wire.Message{Ack: &wire.Ack{}}, nil) }

func (p *Peer) send(m wire.Message, file *os.File) error {
	text, err := wire.Append(nil, m)
	if err != nil {
		return err
	}
	return p.write(text, file)
}

func (p *Peer) write(text []byte, file *os.File) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	var err error
	if file == nil {
		text, err = p.try(text)
	}
	if err == nil && len(text) > 0 {
		err = p.push(text, file)
	}
	if err != nil {
		err = fmt.Errorf("write to frameinit: %w", err)
		if !wire.HungUp(err) {
			p.end(err) // Half a message may have gone out: nothing can follow it.
		}
	}
	return err
}

// try writes what the socket takes at once and returns the rest.
func (p *Peer) try(text []byte) ([]byte, error) {
	raw, err := p.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return wire.WriteNow(raw, text)
}

// push waits for room. A deadline that stood would wake rqdcore up long after.
func (p *Peer) push(text []byte, file *os.File) (err error) {
	if err = p.conn.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
		return err
	}
	if file != nil {
		text, err = p.sendWith(text, file)
	}
	if err == nil && len(text) > 0 {
		_, err = p.conn.Write(text)
	}
	if err != nil {
		return err
	}
	return p.conn.SetWriteDeadline(time.Time{})
}

// sendWith sends the first bytes of text with file's descriptor and returns the rest.
func (p *Peer) sendWith(text []byte, file *os.File) ([]byte, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	n, sendErr := 0, error(nil)
	if err := raw.Control(func(fd uintptr) {
		n, _, sendErr = p.conn.WriteMsgUnix(text, unix.UnixRights(int(fd)), nil)
	}); err != nil {
		return nil, err
	}
	return text[n:], sendErr
}

// stayAlive renews the frame's lease, unless the last renewal still waits to be taken. The
// reading side notices and tells when the connection is over.
func (p *Peer) stayAlive(text []byte) {
	if !p.alive.CompareAndSwap(false, true) {
		return
	}
	defer p.alive.Store(false)
	_ = p.write(text, nil)
}

// end closes the connection. The first reason is the one that the last event gives.
func (p *Peer) end(reason error) {
	p.mu.Lock()
	if p.reason == nil {
		p.reason = reason
	}
	p.mu.Unlock()
	_ = p.conn.Close()
}

// why is the reason of the connection's end, given what reading from it said.
func (p *Peer) why(read error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != nil && errors.Is(read, net.ErrClosed) {
		return p.reason
	}
	return read
}
