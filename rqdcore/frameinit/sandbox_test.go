package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/testprogram"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/link"
)

// sandboxRoot makes the test binary the first process of a sandbox: it builds a small root
// file system in that directory and becomes the real frameinit there.
const sandboxRoot = "FRAMEINIT_TEST_ROOT"

// limit is what a test waits for anything; the machine may be busy, or slow.
const limit = time.Minute

// buildDir is TestMain's, for binary.
var buildDir string

// binary is the real frameinit, built once.
var binary = sync.OnceValues(func() (string, error) {
	return testprogram.Build(buildDir, "rqdswarm/rqdcore/frameinit", "-trimpath", "-ldflags", "-s -w")
})

func TestMain(m *testing.M) {
	if root := os.Getenv(sandboxRoot); root != "" {
		fmt.Println(enterSandbox(root)) // It returns only when it failed.
		os.Exit(99)
	}
	dir, err := os.MkdirTemp("", "frameinit")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	buildDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// enterSandbox runs in new pid and mount namespaces.
func enterSandbox(root string) error {
	for _, m := range []struct {
		source, target, fstype string
		flags                  uintptr
	}{
		{"none", "/", "", syscall.MS_REC | syscall.MS_PRIVATE},
		{root, root, "", syscall.MS_BIND}, // A container's root is a mount, too.
		{"proc", root + "/proc", "proc", 0},
		{"/dev", root + "/dev", "", syscall.MS_BIND},
	} {
		if err := syscall.Mount(m.source, m.target, m.fstype, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	if err := syscall.Chroot(root); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return syscall.Exec("/.rqd/frameinit", []string{"/.rqd/frameinit"}, []string{
		wire.TokenEnv + "=secret", "PATH=/bin", "FROM_IMAGE=yes", "HOME=/root",
	})
}

// sandbox is one frameinit as process 1 of a small container without an engine, and the
// rqdcore that it speaks with.
type sandbox struct {
	t       *testing.T
	root    string
	log     string // Path of the rqlog.
	server  *link.Server
	session *link.Session
	peer    *link.Peer
	process *exec.Cmd
	stdout  bytes.Buffer
	ended   chan error
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root for pid and mount namespaces")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.MkdirTemp("", "f") //nolint:usetesting // Its paths are too long for a socket's.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	s := &sandbox{t: t, root: root, log: filepath.Join(t.TempDir(), "rqlog"), ended: make(chan error, 1)}
	must(t, os.Chmod(root, 0o755))
	for _, dir := range []string{"proc", "dev", "bin", "etc", "tmp", ".rqd"} {
		must(t, os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	must(t, os.Chmod(filepath.Join(root, "tmp"), 0o1777))
	must(t, os.Link(path, filepath.Join(root, ".rqd/frameinit")))
	copyFile(t, "/bin/busybox", filepath.Join(root, "bin/busybox"))
	must(t, os.Symlink("busybox", filepath.Join(root, "bin/sh")))
	s.listen()
	return s
}

// listen starts the rqdcore end, again if it was closed.
func (s *sandbox) listen() {
	s.t.Helper()
	server, err := link.Listen(filepath.Join(s.root, ".rqd"), link.Options{AlivePeriod: 50 * time.Millisecond, Log: zerolog.New(zerolog.NewTestWriter(s.t))})
	must(s.t, err)
	s.server, s.session = server, server.Expect("secret")
	go server.Run(s.t.Context())
	s.t.Cleanup(func() { _ = server.Close() })
}

// start runs frameinit in namespaces of its own.
func (s *sandbox) start() { s.startWith(syscall.CLONE_NEWPID | syscall.CLONE_NEWNS) }

func (s *sandbox) startWith(namespaces uintptr) {
	s.t.Helper()
	s.process = exec.Command(os.Args[0])
	s.process.Env = []string{sandboxRoot + "=" + s.root}
	s.process.Stdout, s.process.Stderr = &s.stdout, &s.stdout
	s.process.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	must(s.t, s.process.Start())
	go func() { s.ended <- s.process.Wait() }()
	s.t.Cleanup(func() { _ = s.process.Process.Kill() })
}

// order is what most tests run.
func order(command string) wire.Order {
	return wire.Order{
		Image: "img:1", Shell: "/bin/sh", Command: command, UserName: "artist", UID: 1500, GID: 20,
		Environment: map[string]string{"PATH": "/bin"}, WorkingDir: "/tmp", KillGraceMillis: 2000, FiguresMillis: 100,
	}
}

// give answers the next hello with an order and an empty rqlog.
func (s *sandbox) give(o wire.Order) {
	s.t.Helper()
	hello := s.await(func(m wire.Message) bool { return m.Hello != nil }).Hello
	if hello.Phase != wire.PhaseWaiting {
		s.t.Fatalf("phase %q, want %q", hello.Phase, wire.PhaseWaiting)
	}
	file, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(s.t, err)
	defer file.Close()
	must(s.t, s.peer.Order(o, file))
}

// await returns the first message that is wanted and passes over all others.
func (s *sandbox) await(wanted func(wire.Message) bool) wire.Message {
	s.t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case ev := <-s.session.Events():
			if ev.Err != nil {
				continue
			}
			s.peer = ev.Peer
			if wanted(ev.Message) {
				return ev.Message
			}
		case <-timeout:
			s.t.Fatalf("message did not come; rqlog:\n%s\nstdout:\n%s", s.text(), s.stdout.String())
		}
	}
}

// exit waits for the record, and for frameinit's own exit code.
func (s *sandbox) exit() (wire.Exit, int) {
	s.t.Helper()
	e := s.await(func(m wire.Message) bool { return m.Exit != nil || m.Hello != nil && m.Hello.Exit != nil })
	if e.Exit == nil {
		e.Exit = e.Hello.Exit
	}
	return *e.Exit, s.code()
}

func (s *sandbox) code() int {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.t.Fatal("frameinit did not end")
	}
	return s.process.ProcessState.ExitCode()
}

// run is a whole frame.
func (s *sandbox) run(o wire.Order) (wire.Exit, int) {
	s.t.Helper()
	s.start()
	s.give(o)
	return s.exit()
}

// text is the rqlog.
func (s *sandbox) text() string {
	text, _ := os.ReadFile(s.log)
	return string(text)
}

// awaitText waits until the rqlog holds want.
func (s *sandbox) awaitText(want string) {
	s.t.Helper()
	for end := time.Now().Add(limit); !strings.Contains(s.text(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("rqlog %q, want %q in it", s.text(), want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, text, 0o755))
}

// lonelyUID is an artist that nobody else on the machine is. Tests in the host's pid namespace
// run as this one: should they fail, what frameinit kills by mistake is the test's own bystander.
func lonelyUID() int { return 50_000 + os.Getpid()%10_000 }

// startBystander is a process of that artist that belongs to no frame.
func startBystander(t *testing.T) int {
	t.Helper()
	c := exec.Command("/bin/busybox", "sleep", "999")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(lonelyUID()), Gid: 20}, Setsid: true}
	must(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	go func() { _, _ = c.Process.Wait() }()
	return c.Process.Pid
}

func processAlive(pid int) error { return syscall.Kill(pid, 0) }
