package report

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/test/bufconn"
)

// TestNoPings: a server of gRPC's defaults, as Cuebot is, ends a connection that it is asked on whether it lives.
func TestNoPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, server := bufconn.Listen(1<<16), grpc.NewServer()
		go func() { _ = server.Serve(wire) }()
		defer server.Stop()
		conn, err := connect("cuebot", grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return wire.Dial() }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Connect()
		for range 60 {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if s := conn.GetState(); s != connectivity.Ready {
				t.Fatalf("have the connection %v, want it ready for ten minutes", s)
			}
		}
	})
}
