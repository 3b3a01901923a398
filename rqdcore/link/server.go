package link

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/wire"
)

// Options adjust a Server. The zero value is right for production, but logs nothing.
type Options struct {
	Log          zerolog.Logger
	Proc         string        // Where the kernel's process table is; "/proc" when empty.
	HelloTimeout time.Duration // What a caller has to say who it is, and its frame's container to become known; 5 s when 0.
	WriteTimeout time.Duration // What a peer has to take a message; 10 s when 0.
	AlivePeriod  time.Duration // wire.AlivePeriod when 0.
}

func (o Options) withDefaults() Options {
	if o.Proc == "" {
		o.Proc = "/proc"
	}
	if o.HelloTimeout == 0 {
		o.HelloTimeout = 5 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.AlivePeriod == 0 {
		o.AlivePeriod = wire.AlivePeriod
	}
	return o
}

// Server hears frameinits and passes what they say to the sessions of their frames.
type Server struct {
	opts     Options
	refused  zerolog.Logger // Limited: a frame could fill the log with it.
	listener *net.UnixListener
	gate     *gate
	quit     chan struct{}
	alive    []byte // The message.
	once     sync.Once
	serving  sync.WaitGroup

	mu       sync.Mutex
	sessions map[tokenSum]*Session
	callers  map[*net.UnixConn]*Peer // All connections; nil until the caller has said who it is.
	over     bool
}

// tokenSum is what tokens are looked up by, so that the time it takes tells nothing of them.
type tokenSum [sha256.Size]byte

// Listen opens the socket in dir, in place of one that an earlier rqdcore left there.
func Listen(dir string, opts Options) (*Server, error) {
	listener, err := listen(filepath.Join(dir, wire.SocketName))
	if err != nil {
		return nil, fmt.Errorf("listen for frames: %w", err)
	}
	alive, err := wire.Append(nil, wire.Message{Alive: &wire.Alive{}})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	opts = opts.withDefaults()
	return &Server{
		opts: opts, alive: alive, listener: listener, gate: newGate(), quit: make(chan struct{}),
		refused:  opts.Log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute}),
		sessions: make(map[tokenSum]*Session), callers: make(map[*net.UnixConn]*Peer),
	}, nil
}

// listen makes the socket under another name and puts it in place by rename: nobody ever sees
// it missing, or with the wrong mode.
func listen(path string) (*net.UnixListener, error) {
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("another rqdcore answers on %s: stop it, or give this one another run directory", path)
	}
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Closing would remove the temporary name, which may be the next rqdcore's just then: in
	// containers both are process 1.
	listener.SetUnlinkOnClose(false)
	// An image's root may be anyone: who is heard is decided by what the caller says and is.
	err = os.Chmod(temporary, 0o666)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = listener.Close()
		_ = os.Remove(temporary)
		return nil, err
	}
	sweep(path)
	return listener, nil
}

// sweep removes sockets of rqdcores that died before they put them in place.
func sweep(path string) {
	stale, _ := filepath.Glob(path + ".*") // The pattern is good: run directories have ordinary names.
	for _, file := range stale {
		_ = os.Remove(file) // Only untidy.
	}
}

// Run serves until ctx ends, then closes every connection. Frames run on and their frameinits
// look for the next rqdcore.
func (s *Server) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.shut)()
	defer s.serving.Wait()
	defer s.shut()
	s.serving.Go(s.stayAlive)
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case err == nil:
			s.serving.Go(func() { s.serve(conn) })
		case errors.Is(err, net.ErrClosed):
			return ctx.Err()
		default: // Most likely out of descriptors: wait for some to be closed.
			s.opts.Log.Error().Err(err).Msg("accept frame's connection")
			select {
			case <-time.After(100 * time.Millisecond):
			case <-s.quit:
			}
		}
	}
}

// Close closes the socket and all connections. It may be called whether Run was or not.
func (s *Server) Close() error {
	s.shut()
	s.serving.Wait()
	return nil
}

func (s *Server) shut() {
	s.once.Do(func() {
		close(s.quit)
		_ = s.listener.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.over = true
		for conn := range s.callers {
			_ = conn.Close()
		}
	})
}

// Expect makes the frame with this token known. Its frameinit is heard from now on.
func (s *Server) Expect(token string) *Session {
	session := &Session{
		server: s, token: token,
		events: make(chan Event, eventBuffer), closed: make(chan struct{}), known: make(chan struct{}),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[sha256.Sum256([]byte(token))] = session
	return session
}

func (s *Server) lookup(token string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.sessions[sha256.Sum256([]byte(token))]
	if session == nil || token == "" || subtle.ConstantTimeCompare([]byte(session.token), []byte(token)) != 1 {
		return nil
	}
	return session
}

func (s *Server) forget(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sum := sha256.Sum256([]byte(session.token)); s.sessions[sum] == session {
		delete(s.sessions, sum)
	}
}
