package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

const (
	// frameWait bounds a short frame, from its order to its completion.
	frameWait = 2 * time.Minute
	// startWait bounds the start of an RQD.
	startWait = time.Minute
	// pollEvery is how often an RQD that starts is asked whether it answers.
	pollEvery = 2 * time.Millisecond
	// privateFile is the mode of what RQDs say themselves.
	privateFile = 0o600
)

// rqd is a running RQD, ours or the Python one: both are a process that reads an rqd.conf and answers on a port.
type rqd struct {
	name    string
	command []string
	environ []string
	port    int
	cue     *cuebot
	dir     string // For its logs and the frames'.
	cmd     *exec.Cmd
	conn    *grpc.ClientConn
	client  rqdpb.RqdInterfaceClient
	frames  atomic.Int64
}

// start starts the process and returns when its port answers; a second start after a stop is the next RQD.
func (r *rqd) start(ctx context.Context) error {
	out, err := os.OpenFile(filepath.Join(r.dir, "rqd.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, privateFile)
	if err != nil {
		return err
	}
	defer out.Close()
	r.cmd = exec.Command(r.command[0], r.command[1:]...) // #nosec G204 -- the RQDs that are measured.
	r.cmd.Env = append(os.Environ(), r.environ...)
	r.cmd.Stdout, r.cmd.Stderr = out, out
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", r.name, err)
	}
	if _, err := r.answers(ctx, 0); err != nil {
		return err
	}
	return nil
}

// dial makes the connection that every later call and every later RQD on the same port uses.
func (r *rqd) dial() error {
	var err error
	r.conn, err = grpc.NewClient("passthrough:///127.0.0.1:"+strconv.Itoa(r.port),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: pollEvery, Multiplier: 1, MaxDelay: pollEvery}, MinConnectTimeout: startWait,
		}))
	if err != nil {
		return fmt.Errorf("dial %s: %w", r.name, err)
	}
	r.client = rqdpb.NewRqdInterfaceClient(r.conn)
	return nil
}

// answers waits until the RQD answers a call and lists at least so many frames, and returns when that was.
func (r *rqd) answers(ctx context.Context, frames int) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		report, err := r.report(ctx)
		if err == nil && len(report.GetFrames()) >= frames {
			return time.Now(), nil
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%s does not answer with %d frames (see %s): %w", r.name, frames, filepath.Join(r.dir, "rqd.out"), errors.Join(ctx.Err(), err))
		}
	}
}

func (r *rqd) report(ctx context.Context) (*reportpb.HostReport, error) {
	answer, err := r.client.ReportStatus(ctx, new(rqdpb.RqdStaticReportStatusRequest))
	return answer.GetHostReport(), err
}

// stop ends the process as a supervisor does and returns when it is gone.
func (r *rqd) stop() error {
	if r.cmd == nil || r.cmd.ProcessState != nil {
		return nil
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	killed := time.AfterFunc(startWait, func() { _ = r.cmd.Process.Kill() })
	defer killed.Stop()
	_ = r.cmd.Wait() // How it ended is its own affair.
	return nil
}

func (r *rqd) close() error {
	err := r.stop()
	r.cue.close()
	return errors.Join(err, r.conn.Close())
}

// launched is a frame on its way.
type launched struct {
	id   string
	sent time.Time
	over <-chan end
}

// launch orders a frame that runs the command as the artist.
func (r *rqd) launch(ctx context.Context, command string) (launched, error) {
	n := r.frames.Add(1)
	f := &rqdpb.RunFrame{
		ResourceId: fmt.Sprintf("00000000-0000-4000-8000-%012x", n), FrameId: fmt.Sprintf("00000000-0000-4000-9000-%012x", n),
		JobId: "00000000-0000-4000-a000-000000000001", LayerId: "00000000-0000-4000-b000-000000000001",
		JobName: "bench-sh010-artist_job", FrameName: fmt.Sprintf("%05d-layer", n),
		Command: command, UserName: artistName, LogDir: filepath.Join(r.dir, "logs"), Show: "bench", Shot: "sh010",
		UidOptional: &rqdpb.RunFrame_Uid{Uid: artistUID}, Gid: artistGID, NumCores: 100, IgnoreNimby: true,
		Environment: map[string]string{"CUE3": "1"}, Attributes: map[string]string{}, Os: osName,
		SoftMemoryLimit: frameMemory / 1024 / 2, HardMemoryLimit: frameMemory / 1024, StartTime: time.Now().UnixMilli(),
	}
	l := launched{id: f.GetFrameId(), over: r.cue.expect(f.GetFrameId()), sent: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, frameWait)
	defer cancel()
	if _, err := r.client.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: f}); err != nil {
		return launched{}, fmt.Errorf("launch on %s: %w", r.name, err)
	}
	return l, nil
}

// end waits for the completion, which has to be a success.
func (l launched) end(ctx context.Context) (end, error) {
	select {
	case e := <-l.over:
		return e, e.check()
	case <-time.After(frameWait):
		return end{}, fmt.Errorf("%w: no completion of frame %s after %s", errFrame, l.id, frameWait)
	case <-ctx.Done():
		return end{}, ctx.Err()
	}
}

// kill ends a frame and waits for its completion, whatever that says.
func (r *rqd) kill(ctx context.Context, l launched) error {
	if _, err := r.client.KillRunningFrame(ctx, &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: l.id, Message: "bench is over"}); err != nil {
		return fmt.Errorf("kill on %s: %w", r.name, err)
	}
	if _, err := l.end(ctx); err != nil && !errors.Is(err, errFrame) {
		return err
	}
	return nil
}
