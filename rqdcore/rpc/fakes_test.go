package rpc_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/rpc"
)

var (
	_ rpc.Frames = (*fakeHost)(nil)
	_ rpc.Locks  = (*fakeHost)(nil)
	_ rpc.Exits  = (*fakeHost)(nil)
)

// fakeHost notes what it is asked, and answers by its functions where they are set.
type fakeHost struct {
	launch  func(context.Context, frame.Frame) error
	kill    func(frameID, message string) error
	running func(frameID string) (frame.Running, error)
	exit    func()

	mu    sync.Mutex
	calls []any
}

func (h *fakeHost) note(call ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, call...)
}

func (h *fakeHost) noted() []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls
}

func (h *fakeHost) Launch(ctx context.Context, f frame.Frame) error {
	h.note("Launch", f.ID)
	if h.launch == nil {
		return nil
	}
	return h.launch(ctx, f)
}

func (h *fakeHost) Kill(frameID, message string) error {
	h.note("Kill", frameID, message)
	if h.kill == nil {
		return nil
	}
	return h.kill(frameID, message)
}

func (h *fakeHost) Running(frameID string) (frame.Running, error) {
	if h.running == nil {
		return frame.Running{}, frame.ErrNotRunning
	}
	return h.running(frameID)
}

func (h *fakeHost) Report() frame.HostReport {
	return frame.HostReport{Host: frame.Host{Name: "render01"}, Cores: frame.Cores{Total: 800, Idle: 800}}
}

func (h *fakeHost) Lock(n frame.CorePoints)   { h.note("Lock", n) }
func (h *fakeHost) LockAll()                  { h.note("LockAll") }
func (h *fakeHost) Unlock(n frame.CorePoints) { h.note("Unlock", n) }
func (h *fakeHost) UnlockAll()                { h.note("UnlockAll") }
func (h *fakeHost) Shutdown()                 { h.note("Shutdown"); h.leave() }
func (h *fakeHost) ShutdownWhenIdle()         { h.note("ShutdownWhenIdle"); h.leave() }

func (h *fakeHost) leave() {
	if h.exit != nil {
		h.exit()
	}
}

// server is a served host with a client of each kind.
type server struct {
	*rpc.Server
	addr   string
	conn   *grpc.ClientConn
	rqd    rqdpb.RqdInterfaceClient
	frames rqdpb.RunningFrameClient
	ended  chan error // What Serve returned.
}

func serve(t *testing.T, h *fakeHost) *server {
	t.Helper()
	l, err := rpc.Listen(t.Context(), rpc.Endpoint{Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, h, l)
}

func serveOn(t *testing.T, h *fakeHost, l net.Listener) *server {
	t.Helper()
	s := &server{
		Server: rpc.NewServer(rpc.Config{Frames: h, Locks: h, Exits: h, Log: zerolog.New(zerolog.NewTestWriter(t))}),
		addr:   l.Addr().String(),
		ended:  make(chan error, 1),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ended <- s.Serve(l)
	}()
	conn, err := grpc.NewClient("passthrough:///"+s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	if err != nil {
		t.Fatal(err)
	}
	s.conn, s.rqd, s.frames = conn, rqdpb.NewRqdInterfaceClient(conn), rqdpb.NewRunningFrameClient(conn)
	t.Cleanup(func() {
		conn.Close()
		s.Stop()
		<-done
	})
	return s
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
