package server

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// patience bounds every wait of these tests; nothing is expected to take that long.
const patience = 20 * time.Second

// scriptedRQD answers as told and hands every call to the test.
type scriptedRQD struct {
	rqdpb.UnimplementedRqdInterfaceServer
	addr     string
	launches chan *rqdpb.RunFrame
	kills    chan *rqdpb.RqdStaticKillRunningFrameRequest
	locks    chan string

	mu     sync.Mutex
	launch func(context.Context) error // nil: OK.
	kill   error
	lock   error
}

func newRQD(t *testing.T) *scriptedRQD {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &scriptedRQD{
		addr:     l.Addr().String(),
		launches: make(chan *rqdpb.RunFrame, 100),
		kills:    make(chan *rqdpb.RqdStaticKillRunningFrameRequest, 100),
		locks:    make(chan string, 100),
	}
	s := grpc.NewServer()
	rqdpb.RegisterRqdInterfaceServer(s, r)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return r
}

func (r *scriptedRQD) script(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
}

func (r *scriptedRQD) LaunchFrame(ctx context.Context, in *rqdpb.RqdStaticLaunchFrameRequest) (*rqdpb.RqdStaticLaunchFrameResponse, error) {
	r.mu.Lock()
	launch := r.launch
	r.mu.Unlock()
	r.launches <- in.GetRunFrame()
	if launch != nil {
		return nil, launch(ctx)
	}
	return &rqdpb.RqdStaticLaunchFrameResponse{}, nil
}

func (r *scriptedRQD) KillRunningFrame(_ context.Context, in *rqdpb.RqdStaticKillRunningFrameRequest) (*rqdpb.RqdStaticKillRunningFrameResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kills <- in
	return &rqdpb.RqdStaticKillRunningFrameResponse{}, r.kill
}

func (r *scriptedRQD) LockAll(context.Context, *rqdpb.RqdStaticLockAllRequest) (*rqdpb.RqdStaticLockAllResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.locks <- "LockAll"
	return &rqdpb.RqdStaticLockAllResponse{}, r.lock
}

func (r *scriptedRQD) UnlockAll(context.Context, *rqdpb.RqdStaticUnlockAllRequest) (*rqdpb.RqdStaticUnlockAllResponse, error) {
	r.locks <- "UnlockAll"
	return &rqdpb.RqdStaticUnlockAllResponse{}, nil
}

func (r *scriptedRQD) Lock(_ context.Context, in *rqdpb.RqdStaticLockRequest) (*rqdpb.RqdStaticLockResponse, error) {
	r.locks <- "Lock " + farm.Points(in.GetCores()).String()
	return &rqdpb.RqdStaticLockResponse{}, nil
}

func (r *scriptedRQD) Unlock(_ context.Context, in *rqdpb.RqdStaticUnlockRequest) (*rqdpb.RqdStaticUnlockResponse, error) {
	r.locks <- "Unlock " + farm.Points(in.GetCores()).String()
	return &rqdpb.RqdStaticUnlockResponse{}, nil
}

// next waits for one value.
func next[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %s for %s", patience, what)
		panic("not reached")
	}
}

// until waits for a condition that the server's state has to reach.
func until(t *testing.T, s *Server, what string, ok func() bool) {
	t.Helper()
	over := time.After(patience)
	for {
		changed := s.Farm().Changed()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("waited %s for %s; frames: %+v", patience, what, s.Farm().Frames())
		}
	}
}

// bench is a server with RQDs and the wire between them.
type bench struct {
	*Server
	reports reportpb.RqdReportInterfaceClient
}

// start runs a server that knows the given RQDs by name.
func start(t *testing.T, rqds map[string]*scriptedRQD, change func(*Config)) *bench {
	t.Helper()
	cfg := Config{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Resolve: map[string]string{}}
	for name, r := range rqds {
		cfg.Resolve[name] = r.addr
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := next(t, "the server's end", ended); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return &bench{Server: s, reports: reportpb.NewRqdReportInterfaceClient(dial(t, s.Addr().String()))}
}

func dial(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func renderHost(name string) *reportpb.RenderHost {
	return &reportpb.RenderHost{
		Name: name, NumProcs: 1, CoresPerProc: 400, TotalMem: 16 << 20, FreeMem: 8 << 20,
		TotalMcp: 1000, FreeMcp: 900, Tags: []string{"rqdv-test"},
		Attributes: map[string]string{"SP_OS": "rocky9", "swapout": "0"},
	}
}

func (b *bench) boot(t *testing.T, name string) {
	t.Helper()
	if _, err := b.reports.ReportRqdStartup(t.Context(), &reportpb.RqdReportRqdStartupRequest{
		BootReport: &reportpb.BootReport{Host: renderHost(name)},
	}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) report(t *testing.T, name string, frames ...*reportpb.RunningFrameInfo) error {
	t.Helper()
	_, err := b.reports.ReportStatus(t.Context(), &reportpb.RqdReportStatusRequest{
		HostReport: &reportpb.HostReport{Host: renderHost(name), Frames: frames},
	})
	return err
}

func running(f *rqdpb.RunFrame) *reportpb.RunningFrameInfo {
	return &reportpb.RunningFrameInfo{
		ResourceId: f.GetResourceId(), JobId: f.GetJobId(), JobName: f.GetJobName(), FrameId: f.GetFrameId(),
		FrameName: f.GetFrameName(), LayerId: f.GetLayerId(), NumCores: f.GetNumCores(), StartTime: f.GetStartTime(),
	}
}

func (b *bench) complete(t *testing.T, host string, f *rqdpb.RunFrame, exit int32) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := b.reports.ReportRunningFrameCompletion(ctx, &reportpb.RqdReportRunningFrameCompletionRequest{
		FrameCompleteReport: &reportpb.FrameCompleteReport{Host: renderHost(host), Frame: running(f), ExitStatus: exit, RunTime: 1},
	})
	return err
}

func job(change func(*farm.Job)) farm.Job {
	j := farm.Job{
		Show: "demo", Shot: "sh010", User: "artist", Name: "test", Layer: "render",
		Command: "render #IFRAME#", Range: "1", Cores: 100, Memory: 1 << 20, OS: "rocky9",
	}
	if change != nil {
		change(&j)
	}
	return j
}

func (b *bench) submit(t *testing.T, change func(*farm.Job)) farm.JobView {
	t.Helper()
	v, err := b.Submit(job(change))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (b *bench) state(id string) farm.State {
	for _, f := range b.Farm().Frames() {
		if f.ID == id {
			return f.State
		}
	}
	return ""
}

func wantCode(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if have := status.Code(err); have != want {
		t.Errorf("%s: want %s, have %s (%v)", what, want, have, err)
	}
}
