package link

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

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
	dir, err := os.MkdirTemp("", "link") // t.TempDir's paths are too long for a socket's.
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

func TestMessagesArriveInOrder(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	c := s.hello("secret")
	peer := wantHello(t, session)
	if m, err := wire.Read(c, 0); err != nil || m.Alive == nil {
		t.Errorf("have %+v, error %v, want a sign of life at once", m, err)
	}
	must(t, wire.Write(c, wire.Message{Started: &wire.Started{PID: 7}}))
	must(t, wire.Write(c, wire.Message{Kill: &wire.Kill{}})) // Not for frameinit to say.
	must(t, wire.Write(c, wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit, Code: 3}}))
	must(t, c.Close())
	if ev := next(t, session); ev.Message.Started == nil || ev.Message.Started.PID != 7 || ev.Peer != peer {
		t.Errorf("have %+v, want the start", ev)
	}
	if ev := next(t, session); ev.Message.Exit == nil || ev.Message.Exit.Code != 3 {
		t.Errorf("have %+v, want the record", ev)
	}
	if ev := next(t, session); ev.Err == nil || ev.Peer != peer {
		t.Errorf("have %+v, want the end of the connection", ev)
	}
	if err := peer.Ack(); err == nil {
		t.Error("a peer that is gone can be written to")
	}
}

func TestOrderBringsTheLog(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	c := s.hello("secret")
	peer := wantHello(t, session)
	if m, err := wire.Read(c, 0); err != nil || m.Alive == nil {
		t.Fatalf("have %+v, error %v, want a sign of life", m, err)
	}
	path := filepath.Join(t.TempDir(), "rqlog")
	log, err := os.Create(path)
	must(t, err)
	// More than a socket takes at once.
	want := strings.Repeat("x", 600_000)
	done := make(chan error, 1)
	go func() { done <- peer.Order(wire.Order{Command: want}, log) }()
	var oob [64]byte
	header := make([]byte, 4)
	n, oobn, _, _, err := c.ReadMsgUnix(header, oob[:])
	must(t, err)
	m, err := wire.Read(io.MultiReader(strings.NewReader(string(header[:n])), c), 0)
	must(t, err)
	must(t, <-done)
	must(t, log.Close())
	if m.Order == nil || m.Order.Command != want {
		t.Fatal("order did not arrive whole")
	}
	writeTo(t, oob[:oobn], "hello\n")
	if text, err := os.ReadFile(path); err != nil || string(text) != "hello\n" {
		t.Errorf("rqlog has %q, error %v, want hello", text, err)
	}
}

// writeTo writes through the one descriptor that came along.
func writeTo(t *testing.T, oob []byte, text string) {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(oob)
	must(t, err)
	fds, err := unix.ParseUnixRights(&messages[0])
	must(t, err)
	file := os.NewFile(uintptr(fds[0]), "received")
	_, err = file.WriteString(text)
	must(t, err)
	must(t, file.Close())
}

func TestPeerMethods(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	c := s.hello("secret")
	peer := wantHello(t, session)
	must(t, peer.Kill(wire.Kill{GraceMillis: 5}))
	must(t, peer.Log(wire.Log{LogBytes: 9}, os.Stderr))
	must(t, peer.Ack())
	if m := hear(t, c); m.Kill == nil || m.Kill.GraceMillis != 5 {
		t.Errorf("have %+v, want the kill", m)
	}
	if m := hear(t, c); m.Log == nil || m.Log.LogBytes != 9 {
		t.Errorf("have %+v, want the log", m)
	}
	if m := hear(t, c); m.Ack == nil {
		t.Errorf("have %+v, want the ack", m)
	}
}

func TestSignsOfLife(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{AlivePeriod: 5 * time.Millisecond})
	s.server.Expect("secret")
	c := s.hello("secret")
	for range 3 {
		if m, err := wire.Read(c, 0); err != nil || m.Alive == nil {
			t.Fatalf("have %+v, error %v, want a sign of life", m, err)
		}
	}
}

func TestReconnectReplaces(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	old := s.hello("secret")
	first := wantHello(t, session)
	s.hello("secret")
	if ev := next(t, session); ev.Peer != first || !errors.Is(ev.Err, ErrReplaced) {
		t.Errorf("have %+v, want the end of the first connection", ev)
	}
	second := wantHello(t, session)
	must(t, second.Ack())
	wantEnd(t, old)
}

func TestSessionClose(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	c := s.hello("secret")
	wantHello(t, session)
	session.Close()
	session.Close()
	wantEnd(t, c)
	wantEnd(t, s.hello("secret")) // Its token is not known any more.
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	c := s.hello("secret")
	wantHello(t, session)
	waiting := s.dial() // Has not said who it is.
	s.stop()
	select {
	case err := <-s.ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("have %v, want that it was cancelled", err)
		}
	case <-time.After(limit):
		t.Fatal("run did not end")
	}
	wantEnd(t, c)
	wantEnd(t, waiting)
}

// Nobody reads the events while the engine is slow: frameinit must not notice.
func TestFiguresAreDroppedNotQueued(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	for range 10 * eventBuffer {
		session.emit(Event{Message: wire.Message{Figures: &wire.Figures{}}}) // Does not wait.
	}
	if n := len(session.Events()); n != eventBuffer {
		t.Errorf("%d events wait, want %d", n, eventBuffer)
	}
}
