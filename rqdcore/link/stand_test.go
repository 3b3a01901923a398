package link

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/wire"
)

const (
	// limit is what a test waits for what has to come; soon, for what must not.
	limit = 20 * time.Second
	soon  = 100 * time.Millisecond
	ours  = "9475e8a2b054bd880a27e1444e8be9f41a2f6fda9b37aa9773a53299324e8029"
)

// stand is a server with a process table of the test's own. All callers are this test's process.
type stand struct {
	t      *testing.T
	dir    string
	server *Server
	ended  chan error
	stop   context.CancelFunc
}

func newStand(t *testing.T, opts Options) *stand {
	t.Helper()
	dir, err := os.MkdirTemp("", "link") //nolint:usetesting // Its paths are too long for a socket's.
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &stand{t: t, dir: dir, ended: make(chan error, 1)}
	s.caller("0::/\n", "NSpid:\t4711\t1\n")
	opts.Proc, opts.Log = filepath.Join(dir, "proc"), zerolog.New(zerolog.NewTestWriter(t))
	s.server, err = Listen(dir, opts)
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() { s.ended <- s.server.Run(ctx) }()
	t.Cleanup(func() { _ = s.server.Close() })
	return s
}

// caller sets what the kernel says of the process that connects.
func (s *stand) caller(cgroup, status string) {
	s.t.Helper()
	dir := filepath.Join(s.dir, "proc", strconv.Itoa(os.Getpid()))
	must(s.t, os.MkdirAll(dir, 0o755))
	must(s.t, os.WriteFile(filepath.Join(dir, "cgroup"), []byte(cgroup), 0o644))
	must(s.t, os.WriteFile(filepath.Join(dir, "status"), []byte(status), 0o644))
}

func (s *stand) dial() *net.UnixConn {
	s.t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(s.dir, wire.SocketName), Net: "unix"})
	must(s.t, err)
	s.t.Cleanup(func() { _ = c.Close() })
	must(s.t, c.SetReadDeadline(time.Now().Add(limit)))
	return c
}

// hello connects and says so.
func (s *stand) hello(token string) *net.UnixConn {
	s.t.Helper()
	c := s.dial()
	must(s.t, wire.Write(c, wire.Message{Hello: &wire.Hello{Version: wire.Version, Token: token, Phase: wire.PhaseWaiting}}))
	return c
}

// next is the session's next event.
func next(t *testing.T, s *Session) Event {
	t.Helper()
	select {
	case ev := <-s.Events():
		return ev
	case <-time.After(limit):
		t.Fatal("event did not come")
		return Event{}
	}
}

// nothing checks that no event comes.
func nothing(t *testing.T, s *Session) {
	t.Helper()
	select {
	case ev := <-s.Events():
		t.Errorf("have event %+v, want none", ev)
	case <-time.After(soon):
	}
}

// wantHello is the first event of a connection.
func wantHello(t *testing.T, s *Session) *Peer {
	t.Helper()
	ev := next(t, s)
	if ev.Message.Hello == nil {
		t.Fatalf("have event %+v, want a hello", ev)
	}
	return ev.Peer
}

// wantEnd checks that the other end closes c, after it has said what it may.
func wantEnd(t *testing.T, c net.Conn) {
	t.Helper()
	for {
		if _, err := wire.Read(c, 0); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("connection stands, want it closed")
			}
			return
		}
	}
}

// hear returns what comes after any number of signs of life.
func hear(t *testing.T, c net.Conn) wire.Message {
	t.Helper()
	for {
		m, err := wire.Read(c, 0)
		must(t, err)
		if m.Alive == nil {
			return m
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
