package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rqdswarm/internal/wire"
)

// Peer is one connection of a frameinit. Its methods may be called from several goroutines;
// each returns within the server's write timeout, and after an error the connection is over.
type Peer struct {
	conn    *net.UnixConn
	timeout time.Duration
	done    chan struct{} // Closed after the last event.

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
	p.writing.Lock()
	defer p.writing.Unlock()
	_ = p.conn.SetWriteDeadline(time.Now().Add(p.timeout)) // Fails on a closed connection, as the write will.
	if file != nil {
		text, err = p.sendWith(text, file)
	}
	if err == nil && len(text) > 0 {
		_, err = p.conn.Write(text)
	}
	if err != nil {
		err = fmt.Errorf("write to frameinit: %w", err)
		p.end(err) // Half a message may have gone out: nothing can follow it.
	}
	return err
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

// stayAlive renews the frame's lease until the connection ends.
func (p *Peer) stayAlive(period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if p.send(wire.Message{Alive: &wire.Alive{}}, nil) != nil {
				return // The reading side notices, too, and tells.
			}
		case <-p.done:
			return
		}
	}
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
