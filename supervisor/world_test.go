package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/logging"
	"rqdswarm/supervisor/granted"
	"rqdswarm/supervisor/pull"
	"rqdswarm/supervisor/swarm"
)

// world is an engine in memory with supervisors on it, inside a synctest bubble: its time is not ours.
type world struct {
	t    *testing.T
	fake *enginetest.Fake

	mu      sync.Mutex
	scripts map[string]enginetest.Script // By image.
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, fake: enginetest.NewFake(), scripts: map[string]enginetest.Script{}}
	w.fake.AddImage(engine.Image{Tags: []string{"supervisor:1"}})
	w.image("rqd:1", enginetest.Script{Health: "healthy"})
	w.image("rqd:2", enginetest.Script{Health: "healthy"})
	w.fake.OnStart(func(s engine.Spec, _ string) enginetest.Script {
		w.mu.Lock()
		defer w.mu.Unlock()
		if slices.Equal(s.Cmd, []string{granted.Command}) {
			return enginetest.Script{Output: []string{"000001fffeffffff"}, Lifetime: -1} // All but SYS_RESOURCE.
		}
		return w.scripts[s.Image]
	})
	return w
}

// image puts an image of an RQD on the node that behaves as script says.
func (w *world) image(ref string, script enginetest.Script) {
	if _, err := w.fake.Image(context.Background(), ref); err != nil {
		w.fake.AddImage(engine.Image{Tags: []string{ref}})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scripts[ref] = script
}

// member is one supervisor in its container.
type member struct {
	w       *world
	id      string
	signals chan os.Signal
	cancel  context.CancelFunc
	done    chan struct{}
	code    int
	err     error
	out     *buffer
	errOut  *buffer
}

// order is what a supervisor is started with.
type order struct {
	image   string
	grace   time.Duration
	change  func(*config, *dependencies)
	root    string // Files of its container; a fresh directory when empty.
	service string // Its Swarm service's id.
	again   string // The container to start again; a fresh one when empty.
}

// supervisor starts a supervisor in a container of its own, as Swarm does.
func (w *world) supervisor(o order) *member {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	id := o.again
	if id == "" {
		var err error
		id, _, err = w.fake.Create(ctx, engine.Spec{
			Image: "supervisor:1", Labels: map[string]string{
				swarm.RoleLabel: swarm.RoleSupervisor, "com.docker.swarm.service.name": "farm_rqd", swarm.LabelServiceID: o.service,
				"com.docker.swarm.task.name": "farm_rqd.7", "com.docker.swarm.node.id": "0cnz", "com.docker.stack.namespace": "farm",
			},
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.fake.Start(ctx, id); err != nil {
		w.t.Fatal(err)
	}
	m := &member{w: w, id: id, signals: make(chan os.Signal, 8), cancel: cancel, done: make(chan struct{}), out: &buffer{}, errOut: &buffer{}}
	cfg := config{
		Image: o.image, Name: "rqd", StopGrace: o.grace, Pull: pull.Missing, ReadyTimeout: 30 * time.Second,
		LogLevel: "debug", LogFormat: logging.Text, HealthSocket: "unused",
	}
	if o.root == "" {
		o.root = w.t.TempDir()
	}
	writeFile(w.t, filepath.Join(o.root, "proc/self/mountinfo"),
		"611 602 254:0 /var/lib/docker/containers/"+id+"/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw\n")
	log, err := logging.New(m.errOut, "debug", logging.Text)
	if err != nil {
		w.t.Fatal(err)
	}
	d := dependencies{
		Engine: w.fake, Process: swarm.Process{Root: o.root, Hostname: id[:12], Started: time.Now()}, EngineAddress: "unix:///var/run/docker.sock",
		Stdout: recorded{m}, Stderr: m.errOut, Signals: m.signalActor, Listen: listenNowhere, Log: log,
	}
	if o.change != nil {
		o.change(&cfg, &d)
	}
	go func() {
		m.code, m.err = serve(ctx, cfg, d)
		if c, err := w.fake.Inspect(context.Background(), id); err == nil && c.State == engine.StateRunning {
			w.fake.Exit(id, m.code)
		}
		close(m.done)
	}()
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("supervisor %.12s:\n%s", id, m.errOut)
		}
	})
	time.Sleep(time.Nanosecond) // So that no two are created in the same one, unless a test wants that.
	return m
}

func (m *member) signalActor(handle func(os.Signal) error) (execute func() error, interrupt func(error), stop func()) {
	quit := make(chan struct{})
	return func() error {
		for {
			select {
			case <-quit:
				return nil
			case s := <-m.signals:
				if err := handle(s); err != nil {
					return err
				}
			}
		}
	}, func(error) { close(quit) }, func() {}
}

// recorded is a member's standard output, which the engine records. A dead process writes nothing.
type recorded struct{ *member }

func (r recorded) Write(p []byte) (int, error) {
	if c, err := r.w.fake.Inspect(context.Background(), r.id); err != nil || c.State != engine.StateRunning {
		return 0, os.ErrClosed
	}
	r.w.fake.Print(r.id, strings.TrimSuffix(string(p), "\n"))
	return r.out.Write(p)
}

// shot is what SIGKILL does to a supervisor: it does not get to say anything.
func (m *member) shot() {
	m.w.fake.Exit(m.id, 137)
	m.cancel()
	<-m.done
}

// ends waits for the supervisor's end and compares its exit code.
func (m *member) ends(within time.Duration, code int) {
	m.w.t.Helper()
	select {
	case <-m.done:
	case <-time.After(within):
		m.w.t.Fatalf("supervisor %.12s lives after %s", m.id, within)
	}
	if have := exitCode(m.code, m.err, m.errOut); have != code {
		m.w.t.Errorf("supervisor %.12s: want exit code %d, have %d (%v)", m.id, code, have, m.err)
	}
}

// lives says that the supervisor has not ended.
func (m *member) lives() {
	m.w.t.Helper()
	select {
	case <-m.done:
		m.w.t.Errorf("supervisor %.12s: want it alive, it ended with %d, %v", m.id, m.code, m.err)
	default:
	}
}

// rqd is the container with RQD's name; the test ends when there is none.
func (w *world) rqd() engine.Container {
	w.t.Helper()
	c, err := w.fake.Inspect(context.Background(), "rqd")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// runs asserts that an RQD of the image runs, and that no other container of ours is left. It returns it.
func (w *world) runs(image string) engine.Container {
	w.t.Helper()
	c := w.rqd()
	if c.State != engine.StateRunning || c.Image != image {
		w.t.Errorf("rqd: want %s running, have %s %s", image, c.Image, c.State)
	}
	w.left("rqd")
	return c
}

// left asserts which containers of RQD there are.
func (w *world) left(names ...string) {
	w.t.Helper()
	list, err := w.fake.List(context.Background(), map[string]string{"org.rqdswarm.rqd": "rqd"})
	if err != nil {
		w.t.Fatal(err)
	}
	var have []string
	for _, c := range list {
		have = append(have, c.Name)
	}
	if strings.Join(have, " ") != strings.Join(names, " ") {
		w.t.Errorf("containers: want %v, have %v", names, have)
	}
}

// starts are the containers that somebody tried to start, supervisors included.
func (w *world) starts() []enginetest.Call {
	return slices.DeleteFunc(w.fake.Calls(), func(c enginetest.Call) bool { return c.Method != "Start" })
}

// settle lets d pass, and then everything that is ready run.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// bubble runs a test on a fresh world.
func bubble(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

// nowhere is a listener that nobody connects to: real sockets would stop the bubble's clock.
type nowhere struct {
	closed chan struct{}
	once   sync.Once
}

func listenNowhere(string) (net.Listener, error) { return &nowhere{closed: make(chan struct{})}, nil }

func (n *nowhere) Accept() (net.Conn, error) { <-n.closed; return nil, net.ErrClosed }
func (n *nowhere) Close() error              { n.once.Do(func() { close(n.closed) }); return nil }
func (n *nowhere) Addr() net.Addr            { return &net.UnixAddr{} }

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
