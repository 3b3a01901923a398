package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// proxy stands between RQD and the engine, so that RQD can lose the engine while everybody else keeps it.
type proxy struct {
	listener net.Listener
	engine   string // The engine's socket.

	mu    sync.Mutex
	away  bool
	conns map[net.Conn]bool
	work  sync.WaitGroup
}

// openProxy listens on path for the engine at socket.
func openProxy(path, socket string) (*proxy, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for rqdcore: %w", err)
	}
	p := &proxy{listener: l, engine: socket, conns: make(map[net.Conn]bool)}
	p.work.Go(p.serve)
	return p, nil
}

func (p *proxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.pass(conn) })
	}
}

// pass connects the two for as long as both want.
func (p *proxy) pass(client net.Conn) {
	defer client.Close()
	if !p.enter(client) {
		return
	}
	defer p.leave(client)
	server, err := net.Dial("unix", p.engine)
	if err != nil {
		return // The engine's own trouble looks the same to RQD.
	}
	defer server.Close()
	var copying sync.WaitGroup
	copying.Go(func() { pump(server, client) })
	pump(client, server)
	_ = server.Close() // Ends the other direction.
	copying.Wait()
}

// pump copies and then tells the receiver that there is no more.
func pump(to, from net.Conn) {
	_, _ = io.Copy(to, from) // Its end is the end, whatever the reason.
	if half, ok := to.(*net.UnixConn); ok {
		_ = half.CloseWrite()
	}
}

func (p *proxy) enter(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.away {
		p.conns[c] = true
	}
	return !p.away
}

func (p *proxy) leave(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// cut closes every connection; answers that were under way are lost.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// leaveAlone makes the engine unreachable, comeBack ends that.
func (p *proxy) leaveAlone() {
	p.mu.Lock()
	p.away = true
	p.mu.Unlock()
	p.cut()
}

func (p *proxy) comeBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

func (p *proxy) close() error {
	err := p.listener.Close()
	p.leaveAlone()
	p.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
