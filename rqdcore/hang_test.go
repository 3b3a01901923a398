//go:build integration

package main_test

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// relay stands between RQD and the engine. While it is stalled it takes calls and answers none, as an engine does
// whose storage hangs.
type relay struct {
	mu   sync.Mutex
	open *sync.Cond
	shut bool
}

// newRelay puts a relay between the studio's next RQD and the engine.
func (s *studio) newRelay() *relay {
	s.t.Helper()
	r := new(relay)
	r.open = sync.NewCond(&r.mu)
	s.intercept(r.join)
	return r
}

// intercept has the studio's RQDs reach the engine through join, once per connection. It lasts until the studio is
// clean: RQD removes its containers that way.
func (s *studio) intercept(join func(caller net.Conn, path string)) {
	s.t.Helper()
	address := filepath.Join(s.dir, "engine.sock")
	listener, err := net.Listen("unix", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.engine, s.env = listener, append(s.env, "DOCKER_HOST=unix://"+address)
	go func() {
		for {
			caller, err := listener.Accept()
			if err != nil {
				return
			}
			go join(caller, strings.TrimPrefix(s.docker.Host(), "unix://"))
		}
	}()
}

// join carries one connection, until either side hangs up.
func (r *relay) join(caller net.Conn, path string) {
	defer caller.Close()
	engine, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	defer engine.Close()
	go func() { _, _ = io.Copy(caller, engine) }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := caller.Read(buffer)
		r.wait()
		if n > 0 {
			if _, err := engine.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *relay) wait() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.shut {
		r.open.Wait()
	}
}

func (r *relay) stall(shut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = shut
	r.open.Broadcast()
}

// TestCallsWhileTheEngineHangs makes every call while the engine answers nothing: each has its answer at once, and a kill
// ends its frame, which needs no engine.
func TestCallsWhileTheEngineHangs(t *testing.T) {
	t.Parallel()
	s := closedStudio(t, "KILL_GRACE_SECONDS=1")
	engine := s.newRelay()
	s.start()
	t.Cleanup(func() { engine.stall(false) })
	job := s.submit(farm.Job{Name: "running", Command: "echo started; sleep 300"})
	s.logged(job, "started\n")
	client, err := s.cue.Client(s.name)
	if err != nil {
		t.Fatal(err)
	}
	engine.stall(true)
	running := job.Frames[0].ID
	for range 3 { // The first ones meet an RQD that does not know of it yet.
		s.callEverything(client, running)
	}
	s.refused(client)
	kill(t, client, running, "the engine hangs")
	if f := s.finish(job)[0]; f.Status != 1 || f.Signal != 9 {
		t.Errorf("have (%d, %d), want (1, 9)", f.Status, f.Signal)
	}
	wantNotRunning(t, client, running)
	engine.stall(false)
}

// refused waits until RQD knows that the engine hangs; it then refuses a frame that there is room for.
func (s *studio) refused(rqd rqdpb.RqdInterfaceClient) {
	s.t.Helper()
	launch := func(id string, cores int32) error {
		_, err := rqd.LaunchFrame(s.t.Context(), &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: &rqdpb.RunFrame{
			FrameId: id, ResourceId: id, JobName: "late", FrameName: "0001-layer", UserName: "artist", Command: "true", LogDir: s.dir, NumCores: cores,
		}})
		return err
	}
	await(func() bool { return status.Code(launch("large", 1<<20)) == codes.Unavailable })
	if err := launch("small", 10); status.Code(err) != codes.Unavailable {
		s.t.Errorf("a frame while the engine hangs: have %v, want Unavailable", err)
	}
}

// callEverything makes all calls at once that do not end RQD, many times.
func (s *studio) callEverything(rqd rqdpb.RqdInterfaceClient, running string) {
	s.t.Helper()
	calls := map[string]func(context.Context) error{
		"ReportStatus": func(ctx context.Context) error {
			return answered(rqd.ReportStatus(ctx, &rqdpb.RqdStaticReportStatusRequest{}))
		},
		"GetRunningFrameStatus": func(ctx context.Context) error {
			return answered(rqd.GetRunningFrameStatus(ctx, &rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: running}))
		},
		"GetRunFrame": func(ctx context.Context) error {
			return answered(rqd.GetRunFrame(ctx, &rqdpb.RqdStaticGetRunFrameRequest{FrameId: running}))
		},
		"KillRunningFrame of nobody": func(ctx context.Context) error {
			err := answered(rqd.KillRunningFrame(ctx, &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: "nobody"}))
			if status.Code(err) == codes.NotFound {
				return nil
			}
			return err
		},
		"LaunchFrame that is refused": func(ctx context.Context) error {
			err := answered(rqd.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: &rqdpb.RunFrame{
				FrameId: "too-large", JobName: "job", FrameName: "0001-layer", UserName: "artist", Command: "true", LogDir: s.dir, NumCores: 1 << 20,
			}}))
			if code := status.Code(err); code == codes.ResourceExhausted || code == codes.Unavailable || code == codes.FailedPrecondition {
				return nil
			}
			return err
		},
		"Lock": func(ctx context.Context) error {
			return answered(rqd.Lock(ctx, &rqdpb.RqdStaticLockRequest{Cores: 100}))
		},
		"LockAll": func(ctx context.Context) error { return answered(rqd.LockAll(ctx, &rqdpb.RqdStaticLockAllRequest{})) },
		"Unlock": func(ctx context.Context) error {
			return answered(rqd.Unlock(ctx, &rqdpb.RqdStaticUnlockRequest{Cores: 100}))
		},
		"UnlockAll": func(ctx context.Context) error {
			return answered(rqd.UnlockAll(ctx, &rqdpb.RqdStaticUnlockAllRequest{}))
		},
		"NimbyOn":  func(ctx context.Context) error { return answered(rqd.NimbyOn(ctx, &rqdpb.RqdStaticNimbyOnRequest{})) },
		"NimbyOff": func(ctx context.Context) error { return answered(rqd.NimbyOff(ctx, &rqdpb.RqdStaticNimbyOffRequest{})) },
		"ShutdownRqdIdle": func(ctx context.Context) error {
			return answered(rqd.ShutdownRqdIdle(ctx, &rqdpb.RqdStaticShutdownIdleRequest{}))
		},
		"RebootIdle": func(ctx context.Context) error {
			return answered(rqd.RebootIdle(ctx, &rqdpb.RqdStaticRebootIdleRequest{}))
		},
	}
	// A second, and what a busy machine that runs tests adds.
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for name, call := range calls {
		for range 10 {
			all.Go(func() {
				if err := call(ctx); err != nil {
					s.t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	all.Wait()
	if err := calls["UnlockAll"](s.t.Context()); err != nil { // Else RQD would end with its last frame.
		s.t.Errorf("UnlockAll: %v", err)
	}
}

func answered[T any](_ T, err error) error { return err }
