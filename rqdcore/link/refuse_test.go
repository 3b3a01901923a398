package link

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/wire"
)

func TestCallers(t *testing.T) {
	t.Parallel()
	const inOurs, inOther = "4:memory:/docker/" + ours + "\n", "0::/system.slice/docker-1" + "475e8a2b054bd880a27e1444e8be9f41a2f6fda9b37aa9773a53299324e8029" + ".scope\n"
	const first, second = "Name:\tx\nNSpid:\t4711\t1\n", "NSpid:\t4712\t2\n"
	for _, tc := range []struct {
		name, cgroup, status, token string
		shared, heard               bool
	}{
		{"process 1 of the frame's container", inOurs, first, "secret", false, true},
		{"in an engine that is in a container itself", "0::/docker/" + strings.Repeat("a", 64) + "/docker/" + ours + "\n", first, "secret", false, true},
		{"of another container", inOther, first, "secret", false, false},
		{"another process of the frame", inOurs, second, "secret", false, false},
		{"of a frame in the host's pid namespace", inOurs, "NSpid:\t4712\n", "secret", true, true},
		{"of a kernel that does not tell", "0::/\n", "Name:\tx\n", "secret", false, true},
		{"with another token", inOurs, first, "secreT", false, false},
		{"with a part of the token", inOurs, first, "secre", false, false},
		{"with no token", inOurs, first, "", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, Options{})
			s.caller(tc.cgroup, tc.status)
			session := s.server.Expect("secret")
			session.SetContainer(ours)
			if tc.shared {
				session.SharesHostPID()
			}
			c := s.hello(tc.token)
			if tc.heard {
				wantHello(t, session)
				return
			}
			wantEnd(t, c)
			nothing(t, session)
		})
	}
}

func TestNoTokenIsNoSession(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	s.server.Expect("")
	wantEnd(t, s.hello(""))
}

// At adoption the connection may come before it is known which container is the frame's.
func TestCallerWaitsForItsContainer(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{HelloTimeout: limit})
	s.caller("4:memory:/docker/"+ours+"\n", "NSpid:\t4711\t1\n")
	session := s.server.Expect("secret")
	s.hello("secret")
	nothing(t, session)
	session.SetContainer(ours)
	wantHello(t, session)
}

func TestCallerDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{HelloTimeout: soon})
	s.caller("4:memory:/docker/"+ours+"\n", "NSpid:\t4711\t1\n")
	session := s.server.Expect("secret")
	wantEnd(t, s.hello("secret"))
	nothing(t, session)
}

func TestOtherVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []int{wire.MinVersion - 1, wire.Version + 1} {
		s := newStand(t, Options{})
		session := s.server.Expect("secret")
		c := s.dial()
		must(t, wire.Write(c, wire.Message{Hello: &wire.Hello{Version: version, Token: "secret", Build: "0.9"}}))
		if ev := next(t, session); !errors.Is(ev.Err, ErrVersion) || !strings.Contains(ev.Err.Error(), "(build 0.9)") {
			t.Errorf("version %d: have %+v, want an error that names it", version, ev)
		}
		wantEnd(t, c)
	}
}

// TestNewerFrameinit meets what a newer rqdcore left before a rollback, and still speaks our protocol.
func TestNewerFrameinit(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	must(t, wire.Write(s.dial(), wire.Message{Hello: &wire.Hello{Version: wire.Version + 1, Oldest: wire.Version, Token: "secret"}}))
	wantHello(t, session)
}

// Whoever is slow or talks nonsense is alone with it.
func TestBadCallersBlockNobody(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{HelloTimeout: 2 * time.Second})
	session := s.server.Expect("secret")
	silent := s.dial()
	garbage := s.dial()
	_, err := garbage.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	must(t, err)
	other := s.dial()
	must(t, wire.Write(other, wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit}}))
	wantEnd(t, garbage)
	wantEnd(t, other)
	s.hello("secret")
	wantHello(t, session)
	wantEnd(t, silent)
	nothing(t, session)
}

func TestGarbageEndsALiveConnection(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	session := s.server.Expect("secret")
	c := s.hello("secret")
	wantHello(t, session)
	_, err := c.Write([]byte("\x00\x00\x00\x05hello"))
	must(t, err)
	if ev := next(t, session); ev.Err == nil || !strings.HasPrefix(ev.Err.Error(), "decode message") {
		t.Errorf("have %+v, want that it could not be decoded", ev)
	}
}

func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{HelloTimeout: limit})
	var open []net.Conn
	refused := make(chan error, perCaller+1)
	for range perCaller + 1 {
		c := s.dial()
		open = append(open, c)
		go func() {
			_, err := wire.Read(c, 0)
			refused <- err
		}()
	}
	if err := <-refused; errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("none was refused")
	}
	select {
	case <-refused:
		t.Error("more than one was refused")
	case <-time.After(soon):
	}
	for _, c := range open {
		must(t, c.Close())
	}
	session := s.server.Expect("secret")
	for end := time.Now().Add(limit); ; {
		s.hello("secret")
		select {
		case <-session.Events():
			return
		case <-time.After(soon):
		}
		if time.Now().After(end) {
			t.Fatal("closed connections still count")
		}
	}
}

// A frameinit that does not read costs its rqdcore no more than the timeout.
func TestPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{WriteTimeout: soon})
	session := s.server.Expect("secret")
	s.hello("secret")
	peer := wantHello(t, session)
	begin := time.Now()
	err := peer.Order(wire.Order{Command: strings.Repeat("x", 1<<20)}, os.Stderr)
	if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) > limit/2 {
		t.Errorf("have error %v after %v, want a timeout", err, time.Since(begin))
	}
	if ev := next(t, session); !errors.Is(ev.Err, os.ErrDeadlineExceeded) {
		t.Errorf("have %+v, want the end of the connection with its reason", ev)
	}
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	if _, err := Listen(s.dir, Options{}); err == nil || !strings.Contains(err.Error(), "another rqdcore answers on") {
		t.Errorf("have error %v, want that the socket is in use", err)
	}
	path := filepath.Join(s.dir, wire.SocketName)
	must(t, s.server.Close())
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o666 {
		t.Errorf("mode %v, want that any frame may connect", info.Mode())
	}
	next, err := Listen(s.dir, Options{})
	must(t, err)
	must(t, s.server.Close())
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the new socket: %v", err)
	}
	must(t, next.Close())
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestListenFails(t *testing.T) {
	t.Parallel()
	if _, err := Listen(filepath.Join(t.TempDir(), "missing"), Options{}); err == nil || !strings.HasPrefix(err.Error(), "listen for frames: ") {
		t.Errorf("have error %v, want that it cannot listen", err)
	}
}

func TestRefusalsAreLoggedAtALimitedRate(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	opts := Options{Log: zerolog.New(zerolog.SyncWriter(&text))}
	dir, err := os.MkdirTemp("", "link") //nolint:usetesting // Its paths are too long for a socket's.
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := Listen(dir, opts)
	must(t, err)
	for range 100 {
		server.refuse(caller{pid: 7}, errors.New("token is not known"))
	}
	must(t, server.Close())
	if n := strings.Count(text.String(), "connection refused"); n == 0 || n > 10 {
		t.Errorf("%d lines for 100 refusals, want a few", n)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	if _, err := inspect(t.TempDir(), 7); err == nil {
		t.Error("a caller that is gone is taken for one")
	}
	if c, err := inspect("/nowhere", 0); err != nil || c.key() != "" {
		t.Errorf("have %+v, error %v, want a caller of whom nothing is known", c, err)
	}
	for status, want := range map[string]int{
		"NSpid:\t4711\t12\t1\nNSpgid:\t1\n": 1, "NSpid:\t4711\n": 4711, "NSpid:\n": 0, "NSpid:\tx\n": 0, "Pid:\t1\n": 0, "": 0,
	} {
		if have := innermostPID([]byte(status)); have != want {
			t.Errorf("%q: have %d, want %d", status, have, want)
		}
	}
}
