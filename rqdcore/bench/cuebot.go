package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"

	"rqdswarm/rqdcore/cuepb/reportpb"
)

// end is a completion and when it arrived.
type end struct {
	at     time.Time
	report *reportpb.FrameCompleteReport
}

// cuebot takes an RQD's reports and notes when they come; nothing else, so that its own work is not measured.
type cuebot struct {
	reportpb.UnimplementedRqdReportInterfaceServer
	listener net.Listener
	server   *grpc.Server

	mu      sync.Mutex
	waiting map[string]chan end // By frame id.
}

func newCuebot(ctx context.Context) (*cuebot, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cuebot{listener: listener, server: grpc.NewServer(), waiting: make(map[string]chan end)}
	reportpb.RegisterRqdReportInterfaceServer(c.server, c)
	go func() { _ = c.server.Serve(listener) }() // It ends with close, and without it every wait below runs out.
	return c, nil
}

func (c *cuebot) close() { c.server.Stop() }

func (c *cuebot) port() int {
	addr, ok := c.listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0
	}
	return addr.Port
}

// expect returns where the end of the frame will come.
func (c *cuebot) expect(frameID string) <-chan end {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan end, 1)
	c.waiting[frameID] = ch
	return ch
}

// ReportRqdStartup implements reportpb.RqdReportInterfaceServer.
func (c *cuebot) ReportRqdStartup(context.Context, *reportpb.RqdReportRqdStartupRequest) (*reportpb.RqdReportRqdStartupResponse, error) {
	return new(reportpb.RqdReportRqdStartupResponse), nil
}

// ReportStatus implements reportpb.RqdReportInterfaceServer.
func (c *cuebot) ReportStatus(context.Context, *reportpb.RqdReportStatusRequest) (*reportpb.RqdReportStatusResponse, error) {
	return new(reportpb.RqdReportStatusResponse), nil
}

// ReportRunningFrameCompletion implements reportpb.RqdReportInterfaceServer.
func (c *cuebot) ReportRunningFrameCompletion(_ context.Context, r *reportpb.RqdReportRunningFrameCompletionRequest) (*reportpb.RqdReportRunningFrameCompletionResponse, error) {
	now := time.Now()
	id := r.GetFrameCompleteReport().GetFrame().GetFrameId()
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch := c.waiting[id]; ch != nil {
		delete(c.waiting, id)
		ch <- end{at: now, report: r.GetFrameCompleteReport()}
	}
	return new(reportpb.RqdReportRunningFrameCompletionResponse), nil
}

// errFrame marks frames that did not do what they were for.
var errFrame = errors.New("frame failed")

// check says whether the frame did what it was for.
func (e end) check() error {
	if s, g := e.report.GetExitStatus(), e.report.GetExitSignal(); s != 0 || g != 0 {
		return fmt.Errorf("%w: frame %s ended with status %d, signal %d", errFrame, e.report.GetFrame().GetFrameName(), s, g)
	}
	return nil
}
