package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
	"rqdswarm/rqdcore/minicue/server"
)

// fakeRQD runs frames as plain processes: enough of an RQD to see minicue through a whole job.
type fakeRQD struct {
	rqdpb.UnimplementedRqdInterfaceServer
	name    string
	addr    string
	points  int32
	reports reportpb.RqdReportInterfaceClient
	noLogs  bool // The log directory is another machine's.
	deaf    bool // Kills are promised and not carried out.
	work    sync.WaitGroup

	mu      sync.Mutex
	running map[string]*exec.Cmd
}

// LaunchFrame starts the command.
func (r *fakeRQD) LaunchFrame(_ context.Context, in *rqdpb.RqdStaticLaunchFrameRequest) (*rqdpb.RqdStaticLaunchFrameResponse, error) {
	f := in.GetRunFrame()
	var log *os.File
	if !r.noLogs {
		if err := os.MkdirAll(f.GetLogDir(), 0o755); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		path := filepath.Join(f.GetLogDir(), f.GetJobName()+"."+f.GetFrameName()+".rqlog")
		_ = os.Rename(path, path+".1")
		var err error
		if log, err = os.Create(path); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		fmt.Fprintln(log, "=== header")
	}
	cmd := exec.Command("/bin/sh", "-c", f.GetCommand())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = log, log
	for k, v := range f.GetEnvironment() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if err := cmd.Start(); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[f.GetFrameId()] = cmd
	r.work.Go(func() { r.end(f, cmd, log) })
	return &rqdpb.RqdStaticLaunchFrameResponse{}, nil
}

// end reports how the command ended.
func (r *fakeRQD) end(f *rqdpb.RunFrame, cmd *exec.Cmd, log *os.File) {
	_ = cmd.Wait() // The state says how it ended.
	if log != nil {
		fmt.Fprintln(log, "=== footer")
		_ = log.Close()
	}
	r.mu.Lock()
	delete(r.running, f.GetFrameId())
	r.mu.Unlock()
	done := &reportpb.FrameCompleteReport{
		Host: r.host(), ExitStatus: int32(cmd.ProcessState.ExitCode()), RunTime: 1,
		Frame: &reportpb.RunningFrameInfo{ResourceId: f.GetResourceId(), FrameId: f.GetFrameId(), LayerId: f.GetLayerId(), FrameName: f.GetFrameName()},
	}
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		done.ExitStatus, done.ExitSignal = 1, int32(ws.Signal())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, _ = r.reports.ReportRunningFrameCompletion(ctx, &reportpb.RqdReportRunningFrameCompletionRequest{FrameCompleteReport: done})
}

// KillRunningFrame kills the frame's process group.
func (r *fakeRQD) KillRunningFrame(_ context.Context, in *rqdpb.RqdStaticKillRunningFrameRequest) (*rqdpb.RqdStaticKillRunningFrameResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cmd := r.running[in.GetFrameId()]
	if cmd == nil {
		return nil, status.Error(codes.NotFound, "no such frame")
	}
	if !r.deaf {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return &rqdpb.RqdStaticKillRunningFrameResponse{}, nil
}

// LockAll promises to take no frames.
func (r *fakeRQD) LockAll(context.Context, *rqdpb.RqdStaticLockAllRequest) (*rqdpb.RqdStaticLockAllResponse, error) {
	return &rqdpb.RqdStaticLockAllResponse{}, nil
}

// UnlockAll promises to take frames again.
func (r *fakeRQD) UnlockAll(context.Context, *rqdpb.RqdStaticUnlockAllRequest) (*rqdpb.RqdStaticUnlockAllResponse, error) {
	return &rqdpb.RqdStaticUnlockAllResponse{}, nil
}

// Lock promises to keep some cores.
func (r *fakeRQD) Lock(context.Context, *rqdpb.RqdStaticLockRequest) (*rqdpb.RqdStaticLockResponse, error) {
	return &rqdpb.RqdStaticLockResponse{}, nil
}

func (r *fakeRQD) host() *reportpb.RenderHost {
	return &reportpb.RenderHost{
		Name: r.name, NumProcs: 1, CoresPerProc: r.points, TotalMem: 16 << 20, FreeMem: 8 << 20, TotalMcp: 100, FreeMcp: 90,
		Attributes: map[string]string{"SP_OS": "debian12"},
	}
}

func (r *fakeRQD) boot(t *testing.T) {
	t.Helper()
	if _, err := r.reports.ReportRqdStartup(t.Context(), &reportpb.RqdReportRqdStartupRequest{BootReport: &reportpb.BootReport{Host: r.host()}}); err != nil {
		t.Fatal(err)
	}
}

// bench is a minicue with one host.
type bench struct {
	server  *server.Server
	rqd     *fakeRQD
	logs    string
	control string
}

// newBench starts them; change may alter the RQD before it boots.
func newBench(t *testing.T, change func(*fakeRQD)) *bench {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &fakeRQD{name: "render01", addr: l.Addr().String(), points: 400, running: map[string]*exec.Cmd{}}
	if change != nil {
		change(r)
	}
	b := &bench{rqd: r, logs: t.TempDir()}
	b.server, err = server.New(server.Config{
		Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Resolve: map[string]string{"render01": r.addr},
		Farm: farm.Config{LogRoot: b.logs},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.control = b.server.ControlAddr().String()
	conn, err := grpc.NewClient("passthrough:///"+b.server.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	r.reports = reportpb.NewRqdReportInterfaceClient(conn)
	g := grpc.NewServer()
	rqdpb.RegisterRqdInterfaceServer(g, r)
	go func() { _ = g.Serve(l) }()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- b.server.Run(ctx) }()
	t.Cleanup(func() {
		r.killAll()
		r.work.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
		g.Stop()
		_ = conn.Close()
	})
	r.boot(t)
	return b
}

func (r *fakeRQD) killAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cmd := range r.running {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

// patience bounds every wait of these tests.
const patience = 20 * time.Second
