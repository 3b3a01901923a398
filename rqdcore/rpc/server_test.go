package rpc_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/rpc"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	s := serve(t, &fakeHost{})
	if err := rpc.CheckHealth(soon(t), s.addr); err != nil {
		t.Error(err)
	}
	for _, service := range []string{"rqd.RqdInterface", "rqd.RunningFrame"} {
		h, err := grpc_health_v1.NewHealthClient(s.conn).Check(soon(t), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil || h.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("%s: have %v, %v", service, h, err)
		}
	}
	s.Stop()
	if err := <-s.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := rpc.CheckHealth(soon(t), s.addr); err == nil || !strings.Contains(err.Error(), s.addr) {
		t.Errorf("after Stop: have %v, want an error with the address", err)
	}
}

// A port that takes connections and never speaks is not a healthy RQD.
func TestHealthOfADeafPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := rpc.CheckHealth(ctx, l.Addr().String()); err == nil {
		t.Error("have nil, want an error")
	}
}

// The caller of ShutdownRqdNow has its answer although the server stops because of the call.
func TestShutdownNowIsAnswered(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := &fakeHost{}
		s := serve(t, h)
		h.exit = s.Stop
		if _, err := s.rqd.ShutdownRqdNow(soon(t), &rqdpb.RqdStaticShutdownNowRequest{}); err != nil {
			t.Errorf("ShutdownRqdNow: %v", err)
		}
		if err := <-s.ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

// A call that is under way when the server stops is answered.
func TestStopFinishesCalls(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	s := serve(t, &fakeHost{launch: func(context.Context, frame.Frame) error {
		close(began)
		<-finish
		return nil
	}})
	answered := make(chan error, 1)
	go func() { answered <- launch(t, s, order()) }()
	<-began
	s.Stop()
	s.Stop() // A second time is no harm.
	for rpc.CheckHealth(soon(t), s.addr) == nil {
		// The listener is about to be closed.
	}
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("LaunchFrame: %v", err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// A call that never ends does not keep RQD from ending, nor does a client that watches its health.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	s := serve(t, &fakeHost{launch: func(ctx context.Context, _ frame.Frame) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}})
	watch, err := grpc_health_v1.NewHealthClient(s.conn).Watch(soon(t), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	go launch(t, s, order())
	<-began
	s.Stop()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-time.After(8 * time.Second):
		t.Error("Serve did not return")
	}
}

func TestPanicIsOneFailedCall(t *testing.T) {
	t.Parallel()
	s := serve(t, &fakeHost{launch: func(context.Context, frame.Frame) error { panic("a mistake") }})
	if err := launch(t, s, order()); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "a mistake") {
		t.Errorf("have %v, want %v that names the panic", err, codes.Internal)
	}
	if err := rpc.CheckHealth(soon(t), s.addr); err != nil {
		t.Error(err)
	}
}

func TestMessageSizes(t *testing.T) {
	t.Parallel()
	h := &fakeHost{}
	s := serve(t, h)
	big := order()
	big.Command = strings.Repeat("x", 5<<20)
	if err := launch(t, s, big); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("5 MiB: have %v, want %v", err, codes.ResourceExhausted)
	}
	if calls := h.noted(); len(calls) > 0 {
		t.Errorf("the host was asked %v", calls)
	}
	full := order()
	full.Environment = map[string]string{}
	for i := range 10_000 {
		full.Environment[fmt.Sprint("VARIABLE_", i)] = strings.Repeat("v", 150)
	}
	if err := launch(t, s, full); err != nil {
		t.Errorf("10,000 variables: %v", err)
	}
}

// Whatever arrives on the port, RQD still answers afterwards.
func TestRandomBytes(t *testing.T) {
	t.Parallel()
	s := serve(t, &fakeHost{})
	junk := make([]byte, 64<<10)
	_, _ = rand.Read(junk)
	http2 := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	for _, sent := range [][]byte{{}, {0}, junk, http2, append(bytes.Clone(http2), junk...), []byte("GET / HTTP/1.1\r\n\r\n")} {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(sent) // The server may hang up in the middle.
		c.Close()
	}
	if err := rpc.CheckHealth(soon(t), s.addr); err != nil {
		t.Error(err)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	all, err := rpc.Listen(t.Context(), rpc.Endpoint{})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	addr := all.Addr().(*net.TCPAddr)
	if !addr.IP.IsUnspecified() {
		t.Errorf("have %v, want all addresses", addr)
	}
	if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", addr.Port)); err != nil {
		t.Errorf("IPv4: %v", err)
	} else {
		c.Close()
	}
	if _, err := rpc.Listen(t.Context(), rpc.Endpoint{Port: addr.Port}); err == nil || !strings.Contains(err.Error(), fmt.Sprint(addr.Port)) {
		t.Errorf("port in use: have %v, want an error with the port", err)
	}
	if _, err := rpc.Listen(t.Context(), rpc.Endpoint{Interface: "nope0"}); err == nil || !strings.Contains(err.Error(), `"nope0"`) || !strings.Contains(err.Error(), "lo") {
		t.Errorf("no such interface: have %v, want an error with the name and those there are", err)
	}
	one, err := rpc.Listen(t.Context(), rpc.Endpoint{Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if ip := one.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("interface lo: have %v", ip)
	}
}

func TestLocalAddress(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "lo"} {
		l, err := rpc.Listen(t.Context(), rpc.Endpoint{Interface: name})
		if err != nil {
			t.Fatal(err)
		}
		s := serveOn(t, &fakeHost{}, l)
		addr, err := rpc.LocalAddress(rpc.Endpoint{Interface: name, Port: l.Addr().(*net.TCPAddr).Port})
		if err != nil {
			t.Fatal(err)
		}
		if err := rpc.CheckHealth(soon(t), addr); err != nil {
			t.Errorf("interface %q, served at %s: %v", name, s.addr, err)
		}
	}
	if _, err := rpc.LocalAddress(rpc.Endpoint{Interface: "nope0", Port: 1}); err == nil {
		t.Error("no such interface: have nil, want an error")
	}
}
