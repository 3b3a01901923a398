package rpc_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/test/bufconn"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/rpc"
)

// TestPingsAreTolerated: a client may ask every 10 s whether RQD lives, also without a call.
func TestPingsAreTolerated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, wire := &fakeHost{}, bufconn.Listen(1<<16)
		s := rpc.NewServer(rpc.Config{Frames: h, Locks: h, Exits: h, Log: zerolog.Nop()})
		go func() { _ = s.Serve(wire) }()
		defer s.Stop()
		conn, err := grpc.NewClient("passthrough:///rqd", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: time.Second, PermitWithoutStream: true}),
			grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return wire.Dial() }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Connect()
		for range 30 {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if state := conn.GetState(); state != connectivity.Ready {
				t.Fatalf("have the connection %v, want it ready for five minutes", state)
			}
		}
	})
}
