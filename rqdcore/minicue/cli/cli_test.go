package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rqdswarm/rqdcore/minicue/farm"
)

// output is a buffer that the test may read while the command still writes.
type output struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{}
}

func newOutput() *output { return &output{grown: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.grown)
	o.grown = make(chan struct{})
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// until waits for the text to be written.
func (o *output) until(t *testing.T, text string) {
	t.Helper()
	over := time.After(patience)
	for {
		o.mu.Lock()
		grown, found := o.grown, strings.Contains(o.buf.String(), text)
		o.mu.Unlock()
		if found {
			return
		}
		select {
		case <-grown:
		case <-over:
			t.Fatalf("waited %s for %q, have:\n%s", patience, text, o)
		}
	}
}

// process is a command that is on its way.
type process struct {
	out, err *output
	signals  chan os.Signal
	done     chan int
}

func begin(args ...string) *process {
	p := &process{out: newOutput(), err: newOutput(), signals: make(chan os.Signal, 2), done: make(chan int, 1)}
	go func() { p.done <- Main(Env{Args: args, Stdout: p.out, Stderr: p.err, Signals: p.signals}) }()
	return p
}

func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.done:
		return code
	case <-time.After(patience):
		t.Fatalf("waited %s for the command to end, it said:\n%s%s", patience, p.out, p.err)
		return -1
	}
}

func (p *process) wantExit(t *testing.T, want int) {
	t.Helper()
	if have := p.wait(t); have != want {
		t.Errorf("exit status: want %d, have %d\nstdout:\n%s\nstderr:\n%s", want, have, p.out, p.err)
	}
}

// minicue runs the command with the bench's server.
func (b *bench) minicue(args ...string) *process {
	return begin(append([]string{"--server", b.control}, args...)...)
}

func wantText(t *testing.T, what, have string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(have, w) {
			t.Errorf("%s: want %q in it, have:\n%s", what, w, have)
		}
	}
}

func TestKillEndsARunAsAShellWouldSay(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	p := b.minicue("run", "--retries", "3", "--", "sleep 300")
	p.err.until(t, "started on render01")
	k := b.minicue("kill", "0001-render")
	k.wantExit(t, 0)
	wantText(t, "kill", k.out.String(), "0001-render on render01: killed\n")
	p.wantExit(t, 137)

	b.minicue("run", "--os", "none", "--", "true").err.until(t, "waiting")
	k = b.minicue("kill", "--all")
	k.wantExit(t, 0)
	wantText(t, "kill", k.out.String(), "1 frame: nothing ran, will not run\n")

	k = b.minicue("kill", "0009-render")
	k.wantExit(t, 1)
	wantText(t, "stderr", k.err.String(), `minicue: frame "0009-render": no such frame`)
}

func TestListsAsJSON(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.minicue("run", "--", "exit 4").wantExit(t, 4)
	p := b.minicue("hosts", "--json")
	p.wantExit(t, 0)
	var hosts []farm.HostView
	if err := json.Unmarshal([]byte(p.out.String()), &hosts); err != nil || len(hosts) != 1 || hosts[0].Cores != 400 {
		t.Errorf("hosts: have %+v, %v", hosts, err)
	}
	p = b.minicue("frames", "--json")
	p.wantExit(t, 0)
	var frames []farm.FrameView
	if err := json.Unmarshal([]byte(p.out.String()), &frames); err != nil || len(frames) != 1 || frames[0].Status != 4 {
		t.Errorf("frames: have %+v, %v", frames, err)
	}
	for _, list := range []string{"hosts", "frames"} {
		p := b.minicue(list)
		p.wantExit(t, 0)
		wantText(t, list, p.out.String(), "render01")
	}
}

func TestLockAndUnlock(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"lock", "render01"}, "render01 locked\n", 0},
		{[]string{"unlock", "render01"}, "render01 unlocked\n", 0},
		{[]string{"lock", "render01", "1.5"}, "1.5 cores of render01 locked\n", 0},
		{[]string{"unlock", "render01", "1"}, "", 1}, // The fake has no Unlock.
		{[]string{"lock", "render09"}, "", 1},
		{[]string{"lock", "render01", "x"}, "", 2},
	} {
		p := b.minicue(c.args...)
		p.wantExit(t, c.code)
		if p.out.String() != c.want {
			t.Errorf("%v: want %q, have %q", c.args, c.want, p.out)
		}
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.minicue("wait").wantExit(t, 0)
	b.minicue("wait", "--hosts", "1", "--os", "debian12").wantExit(t, 0)
	p := b.minicue("wait", "--hosts", "2", "--timeout", "10ms")
	p.wantExit(t, 1)
	wantText(t, "stderr", p.err.String(), "minicue: waited 10ms: 1 host up and open, want 2")

	long := b.minicue("run", "--", "sleep 300")
	long.err.until(t, "started")
	p = b.minicue("wait", "--timeout", "10ms")
	p.wantExit(t, 1)
	wantText(t, "stderr", p.err.String(), "0001-render of", "is RUNNING")
	waiting := b.minicue("wait", "0001-render")
	b.minicue("kill", "--all").wantExit(t, 0)
	waiting.wantExit(t, 137)
	long.wantExit(t, 137)
	p = b.minicue("wait", "0009-render")
	p.wantExit(t, 1)
}

func TestServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"hosts"}, {"frames"}, {"run", "--", "true"}, {"kill", "--all"}, {"lock", "x"}, {"wait"}} {
		p := begin(append([]string{"--server", "127.0.0.1:1"}, args...)...)
		p.wantExit(t, 1)
		wantText(t, "stderr", p.err.String(), "minicue: minicue serve does not answer at 127.0.0.1:1", "start it with `minicue serve`")
		if n := strings.Count(p.err.String(), "\n"); n != 1 {
			t.Errorf("%v: want one line, have:\n%s", args, p.err)
		}
	}
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "expected"},
		{"ruin", "ruin"},
		{"run --os debian12", "no command"},
		{"run --range 1-x -- true", "1-x"},
		{"run --cores 0 -- true", `"0": want a number of cores`},
		{"run --memory 512 -- true", `"512": want a size with a unit`},
		{"run --env A -- true", "A"},
		{"run --show ../x -- true", `show "../x"`},
		{"run --log-dir logs -- true", `log directory "logs"`},
		{"run --bogus -- true", "--bogus"},
		{"run --forever --max-runs 2 -- true", "not both"},
		{"kill", "give frames, or --all"},
		{"kill --all x", "give frames, or --all"},
		{"wait --os x", "--os needs --hosts"},
		{"wait --hosts 1 x", "not both"},
		{"serve --log-level loud", `"loud"`},
		{"serve --log-format xml", `"xml"`},
		{"serve --rqd-port 0", "--rqd-port 0"},
		{"contactsheet -o x.png --columns 0 a.png", "columns 0"},
		{"contactsheet a.png", "output"},
	} {
		p := b.minicue(strings.Fields(c.args)...)
		p.wantExit(t, 2)
		wantText(t, "stderr of "+c.args, p.err.String(), "minicue: ", c.want)
		if n := strings.Count(p.err.String(), "\n"); n != 1 {
			t.Errorf("%s: want one line, have:\n%s", c.args, p.err)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"--version"}} {
		p := begin(args...)
		p.wantExit(t, 0)
		if p.out.String() == "" || p.err.String() != "" {
			t.Errorf("%v: want it on stdout, have %q and %q", args, p.out, p.err)
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	p := begin("serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--log-format", "json")
	p.err.until(t, "minicue ready")
	var ready struct{ RQDs, Control string }
	if err := json.Unmarshal([]byte(p.err.String()), &ready); err != nil {
		t.Fatal(err)
	}
	q := begin("--server", ready.Control, "hosts")
	q.wantExit(t, 0)
	wantText(t, "stderr", q.err.String(), "no host has reported yet")

	q = begin("serve", "--listen", ready.RQDs, "--control", "127.0.0.1:0")
	q.wantExit(t, 1)
	wantText(t, "stderr", q.err.String(), "open the port for RQDs", "address already in use")

	p.signals <- syscall.SIGTERM
	p.wantExit(t, 0)
}
