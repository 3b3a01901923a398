package link

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"time"

	"rqdswarm/internal/wire"
)

// maxMessage bounds what a frameinit may send at once: a hello with figures and a record stays far below.
const maxMessage = 1 << 20

// serve hears one connection from its first byte to its last.
func (s *Server) serve(conn *net.UnixConn) {
	defer conn.Close()
	if !s.enter(conn, nil) {
		return
	}
	defer s.leave(conn)
	who, err := identify(s.opts.Proc, conn)
	if err != nil {
		s.refuse(who, err)
		return
	}
	if !s.gate.enter(who.key()) {
		s.refuse(who, errors.New("too many connections at once"))
		return
	}
	defer s.gate.leave(who.key())
	hello, session, err := s.greet(conn, who)
	if err != nil {
		s.refuse(who, err)
		return
	}
	p := &Peer{conn: conn, timeout: s.opts.WriteTimeout, done: make(chan struct{})}
	defer close(p.done)
	if !session.enter(p) {
		return
	}
	if !wire.Agrees(*hello) {
		session.emit(Event{Peer: p, Err: fmt.Errorf("%w: version %d, or down to %d (build %s), this rqdcore speaks %d to %d",
			ErrVersion, hello.Version, cmp.Or(hello.Oldest, hello.Version), hello.Build, wire.MinVersion, wire.Version)})
		return
	}
	session.emit(Event{Peer: p, Err: p.why(s.converse(p, session, hello))})
}

// greet reads the hello and finds whose it is.
func (s *Server) greet(conn *net.UnixConn, who caller) (*wire.Hello, *Session, error) {
	if err := conn.SetReadDeadline(time.Now().Add(s.opts.HelloTimeout)); err != nil {
		return nil, nil, err
	}
	m, err := wire.Read(conn, maxMessage)
	if err != nil {
		return nil, nil, err
	}
	if m.Hello == nil {
		return nil, nil, errors.New("first message is no hello")
	}
	session := s.lookup(m.Hello.Token)
	if session == nil {
		return nil, nil, errors.New("token is not known")
	}
	if err := session.admit(who); err != nil {
		return nil, nil, err
	}
	return m.Hello, session, conn.SetReadDeadline(time.Time{})
}

// converse passes on what the peer says until its connection ends, and says why it did.
func (s *Server) converse(p *Peer, session *Session, hello *wire.Hello) error {
	if err := p.write(s.alive, nil); err != nil && !wire.HungUp(err) {
		return err
	}
	if !s.enter(p.conn, p) {
		return errors.New("rqdcore ends")
	}
	m := wire.Message{Hello: hello}
	for {
		if fromFrameinit(m) {
			session.emit(Event{Peer: p, Message: m})
		}
		var err error
		if m, err = wire.Read(p.conn, maxMessage); err != nil {
			return err
		}
		if m.Hello != nil {
			return errors.New("second hello on one connection")
		}
	}
}

// fromFrameinit is false for messages that only a newer frameinit knows, too.
func fromFrameinit(m wire.Message) bool {
	return m.Hello != nil || m.Started != nil || m.Figures != nil || m.NeedLog != nil || m.Exit != nil
}

func (s *Server) refuse(who caller, reason error) {
	s.refused.Warn().Err(reason).Int("pid", who.pid).Str("container", who.container).Msg("connection refused")
}
