package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// hostLabel is on every container of a host's frames; frameLabel names the frame.
const (
	hostLabel  = "org.rqdswarm.host"
	frameLabel = "org.rqdswarm.frame"
)

// leaseSeconds is FRAME_LEASE_SECONDS here: short enough to be waited for.
const leaseSeconds = 20

// options are what the command line says.
type options struct {
	faults     int
	seed       uint64
	slots      int
	binary     string // Path of a static rqdcore.
	supervisor string // And of the supervisor.
	keep       string // Where the logs of a failed run go; empty leaves them nowhere.
}

// strike is a fault that waits for a launch.
type strike struct {
	fault
	strike func(*run)
}

// chaos is one run of the whole thing.
type chaos struct {
	opts   options
	dir    string
	host   string
	port   int
	books  *books
	cue    *cuebot
	ground *ground
	image  string // Of the frames.
	bare   *bare
	kept   *kept
	rqd    keeper // One of the two.
	proxy  *proxy
	volume *volume
	logs   *logDisk // Nil where the machine has no loop devices.
	conn   *grpc.ClientConn
	client rqdpb.RqdInterfaceClient

	atLaunch    atomic.Pointer[strike]
	afterLaunch atomic.Pointer[strike]
	lastStart   atomic.Int64
	end         chan struct{} // Closed when no more frames are wanted.
	later       sync.WaitGroup
	refusals    atomic.Int64
	probes      atomic.Int64 // Answers that were right.
	knocks      atomic.Int64 // And among the first that an RQD gave.

	mu      sync.Mutex
	done    map[faultKind]int
	missed  map[faultKind]int // There was no victim.
	closers []func() error
}

// open builds the scene: directories, ports, and everything but RQD itself.
func open(ctx context.Context, o options) (_ *chaos, err error) {
	c := &chaos{opts: o, books: newBooks(), end: make(chan struct{}), done: make(map[faultKind]int), missed: make(map[faultKind]int)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	var release func() error
	if c.dir, release, err = makeScene(); err != nil {
		return nil, err
	}
	c.closers = append(c.closers, release)
	c.host = filepath.Base(c.dir)
	for _, sub := range []string{"run", "etc"} {
		if err := os.Mkdir(filepath.Join(c.dir, sub), 0o755); err != nil { // #nosec G301 -- frames have to get into it.
			return nil, err
		}
	}
	return c, c.openParts(ctx)
}

// openParts opens what RQD stands between.
func (c *chaos) openParts(ctx context.Context) (err error) {
	if c.ground, c.image, err = openGround(ctx, filepath.Join(c.dir, engineDir), c.opts); err != nil {
		return err
	}
	c.closers = append(c.closers, c.ground.close)
	if c.volume, err = mountVolume(filepath.Join(c.dir, "state")); err != nil {
		return err
	}
	if c.logs, err = mountLogDisk(c.logDir()); err != nil {
		fmt.Fprintf(os.Stderr, "chaos: the log directory will not stall: %v\n", err)
	}
	if c.proxy, err = openProxy(filepath.Join(c.dir, "engine.sock"), c.ground.Socket()); err != nil {
		return err
	}
	c.closers = append(c.closers, c.proxy.close)
	if c.cue, err = openCuebot(ctx, c.books); err != nil {
		return err
	}
	c.closers = append(c.closers, func() error { c.cue.down(); return nil })
	return c.openRQD()
}

// engineDir is where in the scene its engine lives.
const engineDir = "engine"

// openRQD prepares rqdcore's two keepers and the connection to it, and starts it.
func (c *chaos) openRQD() error {
	var err error
	if c.port, err = freePort(); err != nil {
		return err
	}
	conf := filepath.Join(c.dir, "rqd.conf")
	dirs := fmt.Sprintf("[Override]\nRQD_RUN_DIR=%[1]s/run\nRQD_STATE_DIR=%[1]s/state\n", c.dir)
	inContainer := filepath.Join(c.dir, "etc", "rqd.conf")
	if err := errors.Join(
		os.WriteFile(conf, []byte(dirs+c.config()), 0o600), os.WriteFile(inContainer, []byte("[Override]\n"+c.config()), 0o600),
	); err != nil {
		return err
	}
	output, err := os.OpenFile(filepath.Join(c.dir, "rqdcore.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	c.closers = append(c.closers, output.Close)
	stopped := func() { c.books.strikeUnstarted("rqdcore ended before it was started", c.started) }
	c.bare = &bare{
		binary: c.opts.binary, conf: conf, output: output, books: c.books,
		env:     append(os.Environ(), "DOCKER_HOST=unix://"+filepath.Join(c.dir, "engine.sock")),
		stopped: stopped,
	}
	c.kept = &kept{ground: c.ground, dir: c.dir, books: c.books, stopped: stopped}
	c.rqd = c.bare
	retry := backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.3, MaxDelay: 300 * time.Millisecond}
	c.conn, err = grpc.NewClient("passthrough:///"+c.address(), grpc.WithNoProxy(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: time.Second}))
	if err != nil {
		return err
	}
	c.closers = append(c.closers, c.conn.Close)
	c.client = rqdpb.NewRqdInterfaceClient(c.conn)
	return c.rqd.start()
}

func (c *chaos) config() string {
	return fmt.Sprintf(`RQD_GRPC_PORT=%d
OVERRIDE_CUEBOT=%s
OVERRIDE_HOSTNAME=%s
OVERRIDE_CORES=%d
FRAME_LEASE_SECONDS=%d
KILL_GRACE_SECONDS=1
CONSOLE_LOG_LEVEL=DEBUG
[docker.config]
RUN_ON_DOCKER=True
[docker.images]
chaos=%s
`, c.port, c.cue.addr, c.host, 2*(c.opts.slots+2), leaseSeconds, c.image)
}

// logDir is where the rqlogs are.
func (c *chaos) logDir() string { return filepath.Join(c.dir, "logs") }

// ending says whether no more frames are wanted.
func (c *chaos) ending() bool {
	select {
	case <-c.end:
		return true
	default:
		return false
	}
}

// started says whether the run's command has begun: its first line is in the log.
func (c *chaos) started(r *run) bool {
	f, err := os.Open(filepath.Join(c.logDir(), "chaos."+r.name+".rqlog"))
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, _ := f.Read(head) // Nothing read is nothing begun.
	return strings.Contains(string(head[:n]), "\n@"+r.id+" ")
}

// containers lists the frame's containers, or the whole host's for an empty id. What cannot be listed is not there.
func (c *chaos) containers(ctx context.Context, frameID string) []engine.Container {
	labels := map[string]string{hostLabel: c.host}
	if frameID != "" {
		labels[frameLabel] = frameID
	}
	list, err := c.ground.client.List(ctx, labels)
	if err != nil {
		return nil
	}
	return list
}

// checkDead looks a while later whether containers really are gone that RQD said do not run.
func (c *chaos) checkDead(ctx context.Context, r *run, list []engine.Container) {
	const soon = 12 * time.Second // RQD tries a removal again after 5 s.
	if len(list) == 0 {
		return
	}
	c.later.Go(func() {
		time.Sleep(soon)
		for _, was := range list {
			is, err := c.ground.client.Inspect(context.WithoutCancel(ctx), was.ID)
			if err == nil && is.State == engine.StateRunning {
				c.books.wrong("%s: RQD said NOT_FOUND, but container %s still runs %v later", r.id, was.Name, soon)
			}
		}
	})
}

// close takes everything away, last things first.
func (c *chaos) close() error {
	var err error
	for i := len(c.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, c.closers[i]())
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("address %v has no port", l.Addr())
	}
	return address.Port, nil
}
