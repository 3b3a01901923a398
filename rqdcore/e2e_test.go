//go:build integration

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/testprogram"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
	"rqdswarm/rqdcore/minicue/server"
)

// patience bounds every wait of these tests; the machine may be busy, or slow.
const patience = 3 * time.Minute

// binary builds rqdcore once, race detector and all.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rqdcore-e2e-")
	if err != nil {
		return "", err
	}
	return testprogram.Build(dir, "rqdswarm/rqdcore", "-race")
})

// studio is a farm of one host: the real rqdcore, bare on this machine, on the real engine,
// and a Cuebot that speaks the real protocol.
type studio struct {
	t      *testing.T
	docker *engine.Client
	cue    *server.Server
	rqd    *exec.Cmd
	output said
	binary string    // Of RQD; this tree's when empty.
	env    []string  // More variables for RQD.
	engine io.Closer // What stands between RQD and the engine; nil when nothing does.
	dir    string
	name   string
	port   int
}

// openStudio starts RQD with more lines for [Override], and perhaps for [docker.config]; a line with a mount is one for [docker.mounts].
func openStudio(t *testing.T, override string, docker ...string) *studio {
	t.Helper()
	s := closedStudio(t, override, docker...)
	s.start()
	return s
}

// closedStudio is one whose RQD is not started yet.
func closedStudio(t *testing.T, override string, docker ...string) *studio {
	t.Helper()
	s := newStudio(t)
	s.configure(fmt.Sprintf("RQD_RUN_DIR=%[1]s/run\nRQD_STATE_DIR=%[1]s/state\n%s", s.dir, override), docker...)
	if err := os.Mkdir(filepath.Join(s.dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// newStudio is a studio with a Cuebot, and no RQD that is configured.
func newStudio(t *testing.T) *studio {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rqd-e2e-") //nolint:usetesting // An artist has to get into it, under the same path.
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { // #nosec G302 -- as a studio's job directories are.
		t.Fatal(err)
	}
	s := &studio{t: t, docker: enginetest.Dial(t), dir: dir, name: filepath.Base(dir), port: freePort(t)}
	t.Cleanup(s.clean)
	s.cue, err = server.New(server.Config{
		Listen: "127.0.0.1:0", RQDPort: s.port, Resolve: map[string]string{s.name: "127.0.0.1"}, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.cue.Run(ctx) })
	t.Cleanup(func() { cancel(); serving.Wait() })
	return s
}

// configure writes rqd.conf, with more lines for [Override], and for [docker.config] or [docker.mounts].
func (s *studio) configure(override string, docker ...string) {
	s.t.Helper()
	mounts := slices.DeleteFunc(slices.Clone(docker), func(line string) bool { return !isMount(line) })
	docker = slices.DeleteFunc(slices.Clone(docker), isMount)
	conf := fmt.Sprintf(`[Override]
RQD_GRPC_PORT=%d
OVERRIDE_CUEBOT=%s
OVERRIDE_HOSTNAME=%s
OVERRIDE_CORES=8
CONSOLE_LOG_LEVEL=DEBUG
%s
[docker.config]
RUN_ON_DOCKER=True
%s
[docker.images]
busybox=%s
[docker.mounts]
SHOT=type:bind,source:%[7]s,target:%[7]s,bind-propagation:slave
%[8]s
`, s.port, s.cue.Addr(), s.name, override, strings.Join(docker, "\n"), enginetest.Busybox(s.t), s.dir, strings.Join(mounts, "\n"))
	if err := os.WriteFile(filepath.Join(s.dir, "rqd.conf"), []byte(conf), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func isMount(line string) bool { return strings.Contains(line, "type:bind") }

// start starts RQD; a second call after stop is the next RQD on the same state.
func (s *studio) start() {
	s.t.Helper()
	if s.binary == "" {
		var err error
		if s.binary, err = binary(); err != nil {
			s.t.Fatal(err)
		}
	}
	s.rqd = exec.Command(s.binary, "-c", filepath.Join(s.dir, "rqd.conf")) // #nosec G204 -- our own binary.
	s.rqd.Env = append(os.Environ(), s.env...)
	s.rqd.Stdout, s.rqd.Stderr = &s.output, &s.output
	if err := s.rqd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// stop ends RQD with a signal and returns its exit code, -1 when the signal killed it.
func (s *studio) stop(signal syscall.Signal) int {
	s.t.Helper()
	if err := s.rqd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	_ = s.rqd.Wait() // The code says it all.
	return s.rqd.ProcessState.ExitCode()
}

func (s *studio) clean() {
	left := s.containers()
	if s.rqd != nil && s.rqd.ProcessState == nil {
		_ = s.rqd.Process.Kill()
		_ = s.rqd.Wait()
	}
	if s.engine != nil {
		_ = s.engine.Close()
	}
	for _, c := range left {
		s.t.Errorf("container %s left behind in state %s", c.Name, c.State)
		_ = s.docker.Remove(context.Background(), c.ID, engine.RemoveOptions{Force: true})
	}
	if s.t.Failed() {
		s.t.Logf("RQD said:\n%s", &s.output)
	}
	_ = os.RemoveAll(s.dir)
}

// containers are this host's frames on the engine, after those that are over had time to go.
func (s *studio) containers() []engine.Container {
	var list []engine.Container
	_ = await(func() bool {
		list, _ = s.docker.List(context.Background(), map[string]string{"org.rqdswarm.host": s.name})
		return len(list) == 0 || s.rqd == nil || s.rqd.ProcessState != nil
	})
	return list
}

// submit hands a job in; what it leaves open is an artist's single core in the host's only image.
func (s *studio) submit(j farm.Job) farm.JobView {
	s.t.Helper()
	j.Show, j.Shot, j.User, j.Layer = "show", "sh010", "artist", "layer"
	if j.Name == "" {
		j.Name = "e2e"
	}
	j.OS = "busybox"
	if j.LogDir == "" {
		j.LogDir = filepath.Join(s.dir, "logs")
	}
	if j.UID == nil {
		j.UID = new(int32(1500))
	}
	if j.Range == "" {
		j.Range = "1"
	}
	if j.Cores == 0 {
		j.Cores = 100
	}
	if j.Memory == 0 {
		j.Memory = 256 << 10
	}
	if j.MaxRuns == 0 {
		j.MaxRuns = 1
	}
	view, err := s.cue.Submit(j)
	if err != nil {
		s.t.Fatal(err)
	}
	return view
}

// render submits a job and waits for its frames' end.
func (s *studio) render(j farm.Job) []farm.FrameView {
	s.t.Helper()
	return s.finish(s.submit(j))
}

func (s *studio) finish(job farm.JobView) []farm.FrameView {
	s.t.Helper()
	return s.until(job, "ended", func(f farm.FrameView) bool { return f.Status >= 0 && f.State != farm.InFlight })
}

// until waits until is holds for every frame of the job.
func (s *studio) until(job farm.JobView, what string, is func(farm.FrameView) bool) []farm.FrameView {
	s.t.Helper()
	var frames []farm.FrameView
	if !await(func() bool {
		frames = slices.DeleteFunc(s.cue.Farm().Frames(), func(f farm.FrameView) bool { return f.JobID != job.ID })
		return !slices.ContainsFunc(frames, func(f farm.FrameView) bool { return !is(f) })
	}) {
		s.t.Fatalf("frames never %s: %+v", what, frames)
	}
	return frames
}

// logged waits until the frame's rqlog has the text.
func (s *studio) logged(job farm.JobView, text string) {
	s.t.Helper()
	if !await(func() bool { return strings.Contains(s.log(job.Frames[0]), text) }) {
		s.t.Fatalf("rqlog never had %q:\n%s", text, s.log(job.Frames[0]))
	}
}

func (s *studio) log(f farm.FrameView) string {
	text, err := os.ReadFile(f.Log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (s *studio) wantLog(f farm.FrameView, parts ...string) {
	s.t.Helper()
	text := s.log(f)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.t.Errorf("rqlog lacks %q:\n%s", part, text)
		}
	}
}

// client is Cuebot's end of a connection to RQD.
func (s *studio) client() rqdpb.RqdInterfaceClient {
	s.t.Helper()
	client, err := s.cue.Client(s.name)
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// report asks RQD for its host report, as soon as it answers.
func (s *studio) report() *reportpb.HostReport {
	s.t.Helper()
	var answer *rqdpb.RqdStaticReportStatusResponse
	var err error
	if !await(func() bool {
		answer, err = s.client().ReportStatus(s.t.Context(), &rqdpb.RqdStaticReportStatusRequest{}, grpc.WaitForReady(true))
		return err == nil
	}) {
		s.t.Fatal(err)
	}
	return answer.HostReport
}

// said is what RQD said so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil { // #nosec G306 -- the artist looks for it.
		t.Fatal(err)
	}
}

func await(is func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return is()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
