package link

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rqdswarm/internal/wire"
)

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

// A frameinit says how its command ended and is gone. What rqdcore writes to it then must not end the connection
// before the record is read from it.
func TestRecordOfAFrameinitThatIsGone(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	c := s.hello("secret")
	peer := wantHello(t, session)
	for range eventBuffer + 2 { // Whoever reads the connection waits for room.
		must(t, wire.Write(c, wire.Message{Started: &wire.Started{PID: 7}}))
	}
	must(t, wire.Write(c, wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit, Code: 3}}))
	must(t, c.Close())
	if err := peer.Ack(); !wire.HungUp(err) {
		t.Errorf("write to a frameinit that is gone: error %v, want a broken pipe", err)
	}
	for range eventBuffer + 2 {
		if ev := next(t, session); ev.Message.Started == nil {
			t.Fatalf("have %+v, want a start", ev)
		}
	}
	if ev := next(t, session); ev.Message.Exit == nil || ev.Message.Exit.Code != 3 {
		t.Errorf("have %+v, want the record", ev)
	}
	if ev := next(t, session); ev.Err == nil {
		t.Errorf("have %+v, want the end of the connection", ev)
	}
}

// The same for a record that comes with the hello, and is all that there is to say.
func TestHelloOfAFrameinitThatIsGone(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{HelloTimeout: limit})
	s.caller("4:memory:/docker/"+ours+"\n", "NSpid:\t4711\t1\n")
	session := s.server.Expect("secret")
	must(t, s.hello("secret").Close())
	nothing(t, session)
	session.SetContainer(ours)
	wantHello(t, session)
	if ev := next(t, session); ev.Err == nil {
		t.Errorf("have %+v, want the end of the connection", ev)
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
	before := wantHello(t, session)
	for range 50 { // The two connections race for the order of their events.
		c := s.hello("secret")
		if ev := next(t, session); ev.Peer != before || !errors.Is(ev.Err, ErrReplaced) {
			t.Fatalf("have %+v, want the end of the connection before", ev)
		}
		before = wantHello(t, session)
		must(t, before.Ack())
		wantEnd(t, old)
		old = c
	}
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
