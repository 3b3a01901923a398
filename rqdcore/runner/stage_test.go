package runner

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/link"
	"rqdswarm/rqdcore/rqlog"
)

// patience bounds every wait of these tests; none of them comes near it unless something is broken.
const patience = 20 * time.Second

// stage is a Runner on an engine in memory, with a real socket for the frameinits that the tests play.
type stage struct {
	t      *testing.T
	engine *enginetest.Fake
	runner *Runner
	dir    string
	logs   string
	loki   string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "rqd") //nolint:usetesting // Unix sockets have short paths; a test's own directory may have a long one.
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, engine: enginetest.NewFake(), dir: dir, logs: t.TempDir()}
	server, err := link.Listen(dir, link.Options{Log: zerolog.Nop(), Proc: processOne(t)})
	if err != nil {
		t.Fatal(err)
	}
	policy := testPolicy()
	policy.Images = []Image{{"rocky9", "rocky9:1"}}
	s.engine.AddImage(engine.Image{Tags: []string{"rocky9:1"}})
	watcher := rqlog.NewWatcher(time.Second)
	s.runner = New(Config{
		Policy: policy, Containers: s.engine, Observer: s.engine, Images: NewImages(s.engine, nil, zerolog.Nop()),
		Used: func(string) {}, Prune: func([]string) ([]string, error) { return nil, nil }, Link: server, Watcher: watcher, Guard: rqlog.NewGuard(patience), Log: zerolog.Nop(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, actor := range []func(context.Context) error{server.Run, s.runner.Follow, s.runner.Sweep, watcher.Run} {
		all.Go(func() { _ = actor(ctx) })
	}
	t.Cleanup(func() { cancel(); all.Wait(); _ = os.RemoveAll(dir) })
	return s
}

// processOne is a /proc that shows this test as process 1 of some pid namespace, as a frameinit is.
func processOne(t *testing.T) string {
	t.Helper()
	proc := t.TempDir()
	dir := filepath.Join(proc, strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "status"), []byte("NSpid:\t4711\t1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return proc
}

func (s *stage) job() *Job {
	f := testFrame()
	f.LogDir, f.LokiURL = s.logs, s.loki
	return NewJob(NewPromise(f, frame.Reservation{Cores: 200}, time.Now()))
}

// run starts the job and returns where its exit will come.
func (s *stage) run(j *Job) <-chan frame.Exit {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	done := make(chan frame.Exit, 1)
	go func() {
		exit, err := s.runner.Run(ctx, j)
		if err != nil {
			s.t.Errorf("run: %v", err)
		}
		done <- exit
	}()
	return done
}

func (s *stage) rqlog() string {
	s.t.Helper()
	f := testFrame()
	f.LogDir = s.logs
	text, err := os.ReadFile(rqlog.Path(f))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// containers is what the engine has of frames.
func (s *stage) containers() []engine.Container {
	s.t.Helper()
	list, err := s.engine.List(context.Background(), map[string]string{LabelRole: RoleFrame})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// leave makes the container of the job as an RQD before this one would have.
func (s *stage) leave(j *Job, script enginetest.Script) {
	s.t.Helper()
	if err := s.engine.Start(context.Background(), s.leaveCreated(j, script)); err != nil {
		s.t.Fatal(err)
	}
}

// leaveCreated makes it and does not start it.
func (s *stage) leaveCreated(j *Job, script enginetest.Script) (id string) {
	s.t.Helper()
	s.engine.OnStart(func(engine.Spec, string) enginetest.Script { return script })
	plan, err := s.runner.cfg.Policy.Plan(j.Promise())
	if err != nil {
		s.t.Fatal(err)
	}
	plan.Spec.Mounts = nil
	id, _, err = s.engine.Create(context.Background(), plan.Spec)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// frameInit is a frameinit that the test plays.
type frameInit struct {
	t    *testing.T
	conn *net.UnixConn
}

// connect says hello until it is heard: the runner may not expect the frame yet.
func (s *stage) connect(hello wire.Hello) *frameInit {
	s.t.Helper()
	hello.Version = wire.Version
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		f := s.dial(hello)
		if m, _, err := f.receive(); err == nil && m.Alive != nil {
			return f
		}
		_ = f.conn.Close()
	}
	s.t.Fatal("frameinit was never heard")
	return nil
}

// dial says hello once.
func (s *stage) dial(hello wire.Hello) *frameInit {
	s.t.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(s.dir, wire.SocketName), Net: "unix"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	f := &frameInit{t: s.t, conn: conn}
	f.send(wire.Message{Hello: &hello})
	return f
}

func (f *frameInit) send(m wire.Message) {
	f.t.Helper()
	raw, err := wire.Append(nil, m)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.conn.Write(raw); err != nil && !errors.Is(err, syscall.EPIPE) {
		f.t.Errorf("send: %v", err)
	}
}

// receive takes one message, and the descriptor that came with it.
func (f *frameInit) receive() (wire.Message, *os.File, error) {
	_ = f.conn.SetReadDeadline(time.Now().Add(patience))
	head, oob := make([]byte, 1), make([]byte, 64)
	_, oobn, _, _, err := f.conn.ReadMsgUnix(head, oob)
	if err != nil {
		return wire.Message{}, nil, err
	}
	var file *os.File
	if messages, err := syscall.ParseSocketControlMessage(oob[:oobn]); err == nil && len(messages) > 0 {
		if fds, err := syscall.ParseUnixRights(&messages[0]); err == nil && len(fds) > 0 {
			file = os.NewFile(uintptr(fds[0]), "rqlog")
		}
	}
	m, err := wire.Read(&prefixed{head, f.conn}, wire.MaxSize)
	return m, file, err
}

// want takes messages until one is wanted; what keeps the lease is passed over.
func (f *frameInit) want(is func(wire.Message) bool) (wire.Message, *os.File) {
	f.t.Helper()
	for {
		m, file, err := f.receive()
		if err != nil {
			f.t.Fatalf("receive: %v", err)
		}
		if is(m) {
			return m, file
		}
	}
}

// prefixed reads what was taken off a stream already, then the stream.
type prefixed struct {
	head []byte
	conn *net.UnixConn
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.conn.Read(b)
}

// eventually waits until is holds.
func eventually(is func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return is()
}

func receiveExit(t *testing.T, done <-chan frame.Exit) frame.Exit {
	t.Helper()
	select {
	case exit := <-done:
		return exit
	case <-time.After(patience):
		t.Fatal("the frame never ended")
		return frame.Exit{}
	}
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("rqlog lacks %q:\n%s", part, text)
		}
	}
}
