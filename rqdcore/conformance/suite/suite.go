package suite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// Options say which RQD is tried, and how.
type Options struct {
	// Self is an rqdcore binary, of which every check starts one of its own.
	Self string

	// RQD is the HOST:PORT of an RQD that is not ours.
	RQD    string
	Listen string // Where it finds Cuebot.
	// Start, Stop and Kill are shell commands that start the RQD with the file $RQD_CONFIG_FILE, end it with
	// SIGTERM and with SIGKILL, and return when that is done.
	Start, Stop, Kill string
	// Name is what the RQD is told to call itself where it is started with a configuration of ours.
	Name string

	LogDir string     // A directory that RQD and its frames see under the same path.
	Images []ImageKey // The first entries of [docker.images].
	Full   bool       // The real times instead of shortened ones.
	Only   map[int]bool
	// Parallel is how many checks run at once against our own RQDs.
	Parallel int
}

// Suite makes the checks.
type Suite struct {
	opts   Options
	engine *engine.Client // nil where there is none: what needs one is left out.
	cue    *Cuebot        // Of an RQD that is not ours.
	rqd    *commands
	before map[string]bool // Containers that were there before.
	ports  ports
}

// New prepares a suite. Close ends it.
func New(ctx context.Context, o Options) (*Suite, error) {
	if o.Self != "" {
		if _, err := exec.LookPath(o.Self); err != nil {
			return nil, fmt.Errorf("find RQD: %w", err)
		}
	}
	s := &Suite{opts: o, before: make(map[string]bool)}
	docker, err := engine.Dial(ctx, engine.Options{UserAgent: "conformance"})
	switch {
	case err == nil:
		s.engine = docker
		list, err := docker.List(ctx, nil)
		if err != nil {
			return nil, fmt.Errorf("list containers: %w", err)
		}
		for _, c := range list {
			s.before[c.ID] = true
		}
	case o.Self != "":
		return nil, err
	}
	if o.Self != "" {
		return s, nil
	}
	if o.Start != "" && o.Stop != "" {
		s.rqd = &commands{start: o.Start, stop: o.Stop, kill: o.Kill}
	}
	s.cue, err = NewCuebot(o.Listen)
	return s, err
}

// Close ends what New began.
func (s *Suite) Close() error {
	if s.cue != nil {
		s.cue.Stop()
	}
	if s.engine != nil {
		return s.engine.Close()
	}
	return nil
}

// Parallel is how many checks may run at once.
func (s *Suite) Parallel() int {
	if s.opts.Self == "" {
		return 1
	}
	if s.opts.Parallel > 0 {
		return s.opts.Parallel
	}
	return 4 * runtime.NumCPU()
}

// Perform makes one check.
func (s *Suite) Perform(ctx context.Context, c Check) Outcome {
	begin := time.Now()
	v := &verdict{ctx: ctx}
	v.perform(func() {
		st := &Stage{verdict: v, suite: s, check: c, launched: make(map[string]*rqdpb.RunFrame), servers: make(map[string]*http.Server)}
		st.open()
		c.Run(st)
	})
	v.cleanUp()
	o := Outcome{Check: c, Skipped: v.skipped, Failed: v.failed, Notes: v.notes, Took: time.Since(begin)}
	if ctx.Err() != nil && o.Skipped == "" { // Whatever was not seen until then proves nothing.
		o.Failed = []string{"ended before it was over"}
	}
	return o
}

// open builds the stage. What it makes is taken away by cleanups.
func (s *Stage) open() {
	o := s.suite.opts
	if o.Self == "" && s.suite.rqd == nil && (s.check.Restarts || s.check.Setup.special()) {
		s.Skipf("needs an RQD that can be started for it: --start and --stop")
	}
	s.makeDirs()
	s.images = o.Images
	if s.check.Setup.Images != nil {
		s.images = s.check.Setup.Images(s)
	}
	if o.Self != "" {
		s.openOwn()
	} else {
		s.openOther()
	}
}

func (s *Stage) makeDirs() {
	dir, err := os.MkdirTemp(s.suite.opts.LogDir, fmt.Sprintf("check%02d-", s.check.Number))
	if err != nil {
		s.Fatalf("make directory: %v", err)
	}
	s.dir = dir
	s.own = filepath.Join(s.dir, "rqd")
	if err := errors.Join(os.Chmod(s.dir, 0o777), os.MkdirAll(filepath.Join(s.own, "run"), 0o755)); err != nil { // #nosec G301 G302 -- as a studio's.
		s.Fatalf("make directory: %v", err)
	}
	s.Cleanup(func() {
		if !s.hasFailed() {
			_ = os.RemoveAll(dir)
		}
	})
}

// openOwn starts an rqdcore for this check alone.
func (s *Stage) openOwn() {
	s.name = filepath.Base(s.dir)
	s.address = s.suite.ports.free()
	var err error
	if s.Cue, err = NewCuebot(s.suite.ports.free()); err != nil {
		s.Fatalf("start Cuebot: %v", err)
	}
	s.Cleanup(s.Cue.Stop)
	s.rqd = &process{binary: s.suite.opts.Self}
	s.connect()
	s.Cleanup(s.closeOwn)
	s.writeConfig(s.config(s.check.Setup))
	if s.check.Setup.Unstarted {
		return
	}
	s.start()
	s.booted(1)
}

// closeOwn ends the check's rqdcore and holds that nothing is left of its frames.
func (s *Stage) closeOwn() {
	s.saw()
	s.endFrames()
	if _, err := s.rqd.Terminate(); err != nil {
		s.Errorf("at the end: %v", err)
	}
	if left := s.removeContainers(); len(left) > 0 {
		s.Errorf("containers left behind: %v", left)
	}
}

// openOther takes the RQD at hand.
func (s *Stage) openOther() {
	s.address, s.name, s.Cue = s.suite.opts.RQD, s.suite.opts.Name, s.suite.cue
	if s.suite.rqd != nil {
		s.rqd = s.suite.rqd
	}
	s.connect()
	if err := s.Cue.Reset(); err != nil {
		s.Fatalf("start Cuebot: %v", err)
	}
	if s.rqd != nil && (s.check.Restarts || s.check.Setup.special() || s.check.Setup.Unstarted) {
		s.terminate()
		s.Cleanup(s.restore)
		s.writeConfig(s.config(s.check.Setup))
		if !s.check.Setup.Unstarted {
			s.start()
			s.booted(1)
		}
		return
	}
	if s.rqd != nil && !s.answers(time.Second) {
		s.restore()
	}
	if !s.answers(patience) {
		s.Fatalf("no RQD answers at %s", s.address)
	}
	s.name = s.report().GetHost().GetName()
	s.Cleanup(func() {
		s.saw()
		s.endFrames()
		_, _ = s.RQD.UnlockAll(s.call(), &rqdpb.RqdStaticUnlockAllRequest{})
	})
}

// restore starts the RQD at hand as the other checks want it.
func (s *Stage) restore() {
	s.saw()
	s.endFrames()
	_, _ = s.rqd.Terminate()
	images := s.images
	s.images = s.suite.opts.Images
	defer func() { s.images = images }() // What the check pulled is still to be removed.
	// The other checks' directories lie beside each other in this one.
	s.dir, s.own = s.suite.opts.LogDir, filepath.Join(s.suite.opts.LogDir, "rqd")
	if err := os.MkdirAll(filepath.Join(s.own, "run"), 0o755); err != nil { // #nosec G301 -- as a studio's.
		s.Fatalf("make directory: %v", err)
	}
	s.writeConfig(s.config(Setup{}))
	if err := s.rqd.Start(s.conf); err != nil {
		s.Errorf("start RQD again: %v", err)
	}
}

// ports hands out ports below those that the kernel gives to connections: a Cuebot's port stays
// its own while it is closed.
type ports struct {
	mu   sync.Mutex
	next int
}

func (p *ports) free() string {
	const lowest, highest = 20000, 32000
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.next < lowest || p.next > highest {
			p.next = lowest + rand.IntN(highest-lowest)
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(p.next))
		p.next++
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
}

// splitAddress is host and port; no host is this machine.
func splitAddress(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, ""
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	return host, port
}

func portOf(address string) string {
	_, port := splitAddress(address)
	return port
}
