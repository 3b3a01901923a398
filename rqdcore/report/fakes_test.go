package report_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/journal"
	"rqdswarm/rqdcore/report"
)

var (
	_ report.Cuebot    = (*report.Client)(nil)
	_ report.Completer = (*report.Client)(nil)
	_ report.Documents = (*journal.Dir)(nil)
)

// hostFunc is a report.Host.
type hostFunc func() frame.HostReport

func (h hostFunc) Report() frame.HostReport { return h() }

func host() report.Host {
	return hostFunc(func() frame.HostReport {
		return frame.HostReport{Host: frame.Host{Name: "render01", FreeMemory: 1 << 20}, Cores: frame.Cores{Total: 800, Idle: 800}}
	})
}

func completion(frameID string) frame.Completion {
	uid := int32(1500)
	return frame.Completion{
		Running: frame.Running{
			Frame: frame.Frame{
				ID: frameID, ResourceID: "r-" + frameID, LayerID: "l1", StartTime: 1795493164120, UID: &uid, Cores: 100,
				Environment: map[string]string{"CUE3": "1"},
			},
			Attributes: map[string]string{"CPU_LIST": "0,4"},
			Figures:    frame.Figures{MaxRSS: 42},
		},
		ExitStatus: 3,
		RunTime:    61 * time.Second,
	}
}

func logger(t *testing.T) zerolog.Logger { return zerolog.New(zerolog.NewTestWriter(t)) }

// completer is a Cuebot without a wire: answer decides, got collects what was taken or tried.
type completer struct {
	answer func(ctx context.Context, try int, c frame.Completion) error

	mu    sync.Mutex
	tries []try
}

type try struct {
	frameID string
	at      time.Time
	host    frame.Host
}

func (c *completer) Complete(ctx context.Context, done frame.Completion, h frame.Host) error {
	c.mu.Lock()
	c.tries = append(c.tries, try{done.Running.Frame.ID, time.Now(), h})
	n := 0
	for _, t := range c.tries {
		if t.frameID == done.Running.Frame.ID {
			n++
		}
	}
	c.mu.Unlock()
	if c.answer == nil {
		return nil
	}
	return c.answer(ctx, n, done)
}

func (c *completer) ids() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for _, t := range c.tries {
		ids = append(ids, t.frameID)
	}
	return ids
}

var errRefused = errors.New("refused")

// cuebot is a real server on a real port.
type cuebot struct {
	reportpb.UnimplementedRqdReportInterfaceServer
	addr     string
	boot     func(context.Context) error
	status   func(context.Context) error
	complete func(context.Context, *reportpb.FrameCompleteReport) error

	server *grpc.Server
	mu     sync.Mutex
	boots  []*reportpb.BootReport
	states []*reportpb.HostReport
	ends   []*reportpb.FrameCompleteReport
}

func (c *cuebot) ReportRqdStartup(ctx context.Context, r *reportpb.RqdReportRqdStartupRequest) (*reportpb.RqdReportRqdStartupResponse, error) {
	c.mu.Lock()
	c.boots = append(c.boots, r.GetBootReport())
	c.mu.Unlock()
	if c.boot != nil {
		return &reportpb.RqdReportRqdStartupResponse{}, c.boot(ctx)
	}
	return &reportpb.RqdReportRqdStartupResponse{}, nil
}

func (c *cuebot) ReportStatus(ctx context.Context, r *reportpb.RqdReportStatusRequest) (*reportpb.RqdReportStatusResponse, error) {
	c.mu.Lock()
	c.states = append(c.states, r.GetHostReport())
	c.mu.Unlock()
	if c.status != nil {
		return &reportpb.RqdReportStatusResponse{}, c.status(ctx)
	}
	return &reportpb.RqdReportStatusResponse{}, nil
}

func (c *cuebot) ReportRunningFrameCompletion(ctx context.Context, r *reportpb.RqdReportRunningFrameCompletionRequest) (*reportpb.RqdReportRunningFrameCompletionResponse, error) {
	c.mu.Lock()
	c.ends = append(c.ends, r.GetFrameCompleteReport())
	c.mu.Unlock()
	if c.complete != nil {
		return &reportpb.RqdReportRunningFrameCompletionResponse{}, c.complete(ctx, r.GetFrameCompleteReport())
	}
	return &reportpb.RqdReportRunningFrameCompletionResponse{}, nil
}

func (c *cuebot) seen() (boots, states, ends int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.boots), len(c.states), len(c.ends)
}

// listen opens the port again after stop, the same one.
func (c *cuebot) listen(t testing.TB) {
	t.Helper()
	if c.addr == "" {
		c.addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.addr = l.Addr().String()
	c.server = grpc.NewServer()
	reportpb.RegisterRqdReportInterfaceServer(c.server, c)
	done := make(chan struct{})
	server := c.server
	go func() {
		defer close(done)
		_ = server.Serve(l) // It ends by Stop only.
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
}

func newCuebot(t *testing.T) *cuebot {
	t.Helper()
	c := &cuebot{}
	c.listen(t)
	return c
}

func newClient(t *testing.T, addrs ...string) *report.Client {
	t.Helper()
	c, err := report.NewClient(addrs, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// eventually waits for real things: the network and the disk.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
