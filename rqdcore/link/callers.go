package link

import (
	"net"
	"time"
)

// enter notes a connection, so that it is closed when the server ends; false when it has.
func (s *Server) enter(conn *net.UnixConn, p *Peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.callers[conn] = p
	return true
}

func (s *Server) leave(conn *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.callers, conn)
}

// stayAlive renews the leases of all frames at the same time, so that rqdcore wakes up once for
// all of them. One that does not take it delays nobody.
func (s *Server) stayAlive() {
	tick := time.NewTicker(s.opts.AlivePeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, p := range s.peers() {
				s.serving.Go(func() { p.stayAlive(s.alive) })
			}
		case <-s.quit:
			return
		}
	}
}

func (s *Server) peers() []*Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*Peer
	for _, p := range s.callers {
		if p != nil {
			list = append(list, p)
		}
	}
	return list
}
