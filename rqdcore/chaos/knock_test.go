package main

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// host answers for the frames that it has.
type host struct {
	rqdpb.UnimplementedRqdInterfaceServer
	frame string
}

func (h host) GetRunningFrameStatus(_ context.Context, in *rqdpb.RqdStaticGetRunningFrameStatusRequest) (*rqdpb.RqdStaticGetRunningFrameStatusResponse, error) {
	if in.GetFrameId() != h.frame {
		return nil, status.Error(codes.NotFound, "not running")
	}
	return &rqdpb.RqdStaticGetRunningFrameStatusResponse{}, nil
}

// TestKnock has requests wait for a server that begins to serve when they are there already.
func TestKnock(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &chaos{books: newBooks()}
	for _, id := range []string{"f1", "f2"} {
		r := &run{id: id, frameID: id}
		c.books.open(r)
		c.books.accept(r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	over := make(chan struct{})
	go func() { c.knock(ctx, listener.Addr().String()); close(over) }()
	server := grpc.NewServer()
	rqdpb.RegisterRqdInterfaceServer(server, host{frame: "f1"})
	go func() { _ = server.Serve(listener) }()
	for c.knocks.Load() == 0 || c.books.wrongs() == 0 {
		if ctx.Err() != nil {
			t.Fatalf("have %d good answers and problems %v, want one each", c.knocks.Load(), c.books.problems)
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-over
	server.Stop()
	if p := c.books.problems; len(p) != 1 || !strings.Contains(p[0], "f2: RQD said NOT_FOUND") {
		t.Errorf("have problems %v, want that of f2", p)
	}
}
