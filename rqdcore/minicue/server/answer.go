package server

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Call is one unary call between minicue and an RQD. What an observer gets is not changed afterwards.
type Call struct {
	Method   string // Full gRPC name.
	Host     string // As the RQD calls itself, or as it was dialled.
	Start    time.Time
	Duration time.Duration // 0 while the call is being answered.
	Request  proto.Message
	Err      error // What the caller got; nil for OK.
}

// Answer is what minicue does with a report.
type Answer struct {
	applied bool
	err     error
	hang    bool
	cut     bool
}

// OK applies the report and answers OK.
func OK() Answer { return Answer{applied: true} }

// Fail answers with the code; the report changes nothing.
func Fail(code codes.Code, msg string) Answer { return Answer{err: status.Error(code, msg)} }

// Hang never answers; the report changes nothing.
func Hang() Answer { return Answer{hang: true} }

// Cut drops the connection; the report changes nothing.
func Cut() Answer { return Answer{cut: true} }

// ApplyThen applies the report and then answers as told: the reply to something that was done gets lost.
func ApplyThen(a Answer) Answer {
	a.applied = true
	return a
}

// answer carries out what the configuration says about the report.
func (s *Server) answer(ctx context.Context, c Call, apply func()) error {
	a := OK()
	if s.cfg.Answer != nil {
		a = s.cfg.Answer(ctx, c)
	}
	if a.applied {
		apply()
	}
	c.Err = a.err
	switch {
	case a.hang:
		<-ctx.Done()
		c.Err = status.FromContextError(ctx.Err()).Err()
	case a.cut:
		c.Err = status.Error(codes.Unavailable, "the connection was cut")
		if p, ok := peer.FromContext(ctx); ok {
			s.listener.cut(p.Addr)
		}
	}
	s.observe(c)
	return c.Err
}

func (s *Server) observe(c Call) {
	if s.cfg.Observe != nil {
		c.Duration = time.Since(c.Start)
		s.cfg.Observe(c)
	}
}

// cuttable is a listener that can close one of its connections from the server's side, which
// grpc has no call for.
type cuttable struct {
	net.Listener
	mu    sync.Mutex
	conns map[string]net.Conn // By the peer's address.
}

func newCuttable(l net.Listener) *cuttable {
	return &cuttable{Listener: l, conns: map[string]net.Conn{}}
}

// Accept remembers the connection until it is closed.
func (l *cuttable) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c.RemoteAddr().String()] = c
	return &cuttableConn{Conn: c, forget: func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, c.RemoteAddr().String())
	}}, nil
}

func (l *cuttable) cut(peer net.Addr) {
	l.mu.Lock()
	c := l.conns[peer.String()]
	l.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

type cuttableConn struct {
	net.Conn
	forget func()
}

// Close closes the connection and lets the listener forget it.
func (c *cuttableConn) Close() error {
	c.forget()
	return c.Conn.Close()
}
