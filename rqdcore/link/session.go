package link

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"rqdswarm/internal/wire"
)

// eventBuffer is how far a peer may be ahead of its session's reader; figures beyond it are dropped.
const eventBuffer = 16

// Errors that an Event may carry.
var (
	// ErrReplaced is the end of a connection whose frameinit has made another one.
	ErrReplaced = errors.New("link: frameinit connected again")
	// ErrVersion is a frameinit that speaks a protocol which this rqdcore does not.
	ErrVersion = errors.New("link: frameinit speaks another protocol")
)

// Event is one message of a frame's frameinit, or the end of its connection.
type Event struct {
	Peer    *Peer
	Message wire.Message
	Err     error // Set in the last event of Peer, whose Message is empty.
}

// Session is one frame that is expected to connect. A frame has at most one live peer: a new
// connection ends the one before, whose last event comes before the first of the new one.
type Session struct {
	server *Server
	token  string
	events chan Event
	closed chan struct{}
	known  chan struct{} // Closed by the first SetContainer.

	mu        sync.Mutex
	container string
	sharedPID bool
	peer      *Peer
}

// Events is what the frame says. It is never closed; after Close nothing more comes.
func (s *Session) Events() <-chan Event { return s.events }

// SetContainer says in which container the frame is. A caller that the kernel places in any
// container is kept waiting until this is known.
func (s *Session) SetContainer(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.container == "" && id != "" {
		close(s.known)
	}
	s.container = id
}

// SharesHostPID says that the frame has no pid namespace of its own, so that its frameinit is
// not process 1 there. The token alone then tells it from other processes of the frame.
func (s *Session) SharesHostPID() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sharedPID = true
}

// Close ends the session and its connection.
func (s *Session) Close() {
	s.server.forget(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return
	default:
	}
	close(s.closed)
	if s.peer != nil {
		s.peer.end(errors.New("session closed"))
	}
}

// admit decides whether c may speak for the frame.
func (s *Session) admit(c caller) error {
	if c.container != "" {
		wait := time.NewTimer(s.server.opts.HelloTimeout)
		defer wait.Stop()
		select {
		case <-s.known:
		case <-s.closed:
			return errors.New("frame is over")
		case <-s.server.quit:
			return errors.New("rqdcore ends")
		case <-wait.C:
			return errors.New("the frame's container is not known yet")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.container != "" && !c.in(s.container) {
		return fmt.Errorf("caller is in container %.12s, the frame in %.12s", c.container, s.container)
	}
	if !s.sharedPID && c.innerPID > 1 {
		return fmt.Errorf("caller is process %d of its container, want process 1", c.innerPID)
	}
	return nil
}

// enter makes p the session's peer, when the one before has had its last event.
func (s *Session) enter(p *Peer) bool {
	s.mu.Lock()
	before := s.peer
	s.peer = p
	over := false
	select {
	case <-s.closed:
		over = true
	default:
	}
	s.mu.Unlock()
	if before != nil {
		before.end(ErrReplaced)
		<-before.done
	}
	return !over
}

// emit hands ev to whoever reads the events. Figures are dropped when nobody keeps up: newer
// ones follow, and a connection that is not read would look dead to frameinit.
func (s *Session) emit(ev Event) {
	if ev.Message.Figures != nil {
		select {
		case s.events <- ev:
		default:
		}
		return
	}
	select {
	case s.events <- ev:
	case <-s.closed:
	case <-s.server.quit:
	}
}
