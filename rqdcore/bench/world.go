package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rqdswarm/internal/engine"
)

const (
	artistName  = "artist"
	artistUID   = 1500
	artistGID   = 20
	osName      = "debian12"
	frameMemory = 512 << 20 // Bytes.
	// sharedDir is what every container sees of the host, as in OpenCue's guide.
	sharedDir = "/tmp"
	// benchLabel is on every container and image of ours that has no label of RQD's.
	benchLabel = "rqdswarm-bench"
	// manyCores lets as many frames in as anybody wants: they sleep, mostly.
	manyCores = 512
)

// world is everything that is measured, up and running.
type world struct {
	opts   options
	engine *engine.Client
	info   engine.Info
	dir    string
	image  string
	floor  *floor
	rqd    *rqd
	python *rqd // Nil when there is none; noPeer says why.
	noPeer string
	notes  []string // What the Python RQD could not do.
	proxy  *proxy
}

// open starts the RQDs. A Python RQD that does not work here is no error.
func open(ctx context.Context, o options) (*world, error) {
	w := &world{opts: o, image: o.image}
	var err error
	if w.engine, err = engine.Dial(ctx, engine.Options{}); err != nil {
		return nil, err
	}
	if w.info, err = w.engine.Info(ctx); err != nil {
		return nil, errors.Join(err, w.engine.Close())
	}
	if w.dir, err = os.MkdirTemp(sharedDir, "rqd-bench-"); err == nil {
		err = os.Chmod(w.dir, 0o777) // #nosec G302 -- artists get into it, as into a studio's job directories.
	}
	if err == nil {
		err = w.populate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, w.close(ctx))
	}
	return w, nil
}

func (w *world) populate(ctx context.Context) error {
	python, err := w.peer(ctx)
	if err != nil {
		w.noPeer = err.Error()
		progress("the Python RQD is not measured: %v", err)
	}
	if _, err := w.engine.Image(ctx, w.image); err != nil {
		return fmt.Errorf("%w: make images builds it", err)
	}
	w.floor = newFloor(w.engine, w.image)
	if w.rqd, err = w.newRQD(ctx, rqdName, []string{w.opts.binary}); err != nil {
		return err
	}
	if err := w.rqd.start(ctx); err != nil {
		return err
	}
	if python == "" {
		return nil
	}
	if err := w.startPython(ctx, python); err != nil {
		w.noPeer = err.Error()
		progress("the Python RQD is not measured: %v", err)
		w.python = nil
	}
	return nil
}

// peer prepares what the Python RQD needs, and returns its interpreter.
func (w *world) peer(ctx context.Context) (string, error) {
	if w.opts.venv == "" {
		return "", fmt.Errorf("%w: not asked for", errNoPeer)
	}
	image, err := peerImage(ctx, w.image)
	if err != nil {
		return "", err
	}
	w.image = image
	return installPython(ctx, w.opts.venv)
}

func (w *world) startPython(ctx context.Context, python string) error {
	var err error
	if w.proxy, err = newProxy(ctx, w.dir, w.engine); err != nil {
		return err
	}
	if w.python, err = w.newRQD(ctx, pythonName, []string{python, "-m", "rqd", "--nimbyoff"}); err != nil {
		return err
	}
	w.python.environ = append(w.python.environ, "DOCKER_HOST="+w.proxy.address())
	if err := w.python.start(ctx); err != nil {
		return errors.Join(err, w.python.close())
	}
	l, err := w.python.launch(ctx, "true")
	if err == nil {
		_, err = l.end(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("its first frame: %w", err), w.python.close())
	}
	return nil
}

// newRQD writes the rqd.conf that both RQDs understand; each has a Cuebot and a directory of its own.
func (w *world) newRQD(ctx context.Context, name string, command []string) (*rqd, error) {
	r := &rqd{name: name, dir: filepath.Join(w.dir, filepath.Base(command[0]))}
	for _, dir := range []string{r.dir, filepath.Join(r.dir, "logs"), filepath.Join(r.dir, "run")} {
		if err := os.Mkdir(dir, 0o777); err != nil { // #nosec G301 -- see open.
			return nil, err
		}
		if err := os.Chmod(dir, 0o777); err != nil { // #nosec G302 -- the umask took what Mkdir was asked for.
			return nil, err
		}
	}
	var err error
	if r.port, err = freePort(ctx); err != nil {
		return nil, err
	}
	if r.cue, err = newCuebot(ctx); err != nil {
		return nil, err
	}
	conf := filepath.Join(r.dir, "rqd.conf")
	text := fmt.Sprintf(`[Override]
RQD_GRPC_PORT=%d
OVERRIDE_CUEBOT=127.0.0.1
CUEBOT_GRPC_PORT=%d
OVERRIDE_HOSTNAME=%s
OVERRIDE_CORES=%d
OVERRIDE_NIMBY=False
OVERRIDE_MEMORY=1073741824
BACKUP_CACHE_PATH=%[5]s/backup/cache
RQD_RUN_DIR=%[5]s/run
RQD_STATE_DIR=%[5]s/state
[docker.config]
RUN_ON_DOCKER=True
[docker.images]
%[6]s=%[7]s
[docker.mounts]
TEMP=type:bind,source:%[8]s,target:%[8]s
`, r.port, r.cue.port(), filepath.Base(w.dir), manyCores, r.dir, osName, w.image, sharedDir)
	if err := os.WriteFile(conf, []byte(text), privateFile); err != nil {
		return nil, err
	}
	r.command = append(slices.Clone(command), "-c", conf)
	r.environ = []string{"RQD_CONFIG_FILE=" + conf}
	return r, r.dial()
}

// tolerate makes a note of what the peer could not do: that is a result, and no reason to stop.
func (w *world) tolerate(what, subject string, err error) error {
	if err == nil || subject != pythonName || errors.Is(err, context.Canceled) {
		return err
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	w.notes = append(w.notes, fmt.Sprintf("%s, %s: %s", subject, what, first))
	progress("%s: %s", subject, first)
	return nil
}

// rqds are those that are measured.
func (w *world) rqds() []*rqd {
	if w.python == nil {
		return []*rqd{w.rqd}
	}
	return []*rqd{w.rqd, w.python}
}

// close ends everything and leaves no container behind, also when ctx is over.
func (w *world) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, r := range w.rqds() {
		if r != nil {
			errs = append(errs, r.close())
		}
	}
	for _, label := range []string{benchLabel, frameLabel + "=" + filepath.Base(w.dir)} {
		errs = append(errs, w.sweep(ctx, label))
	}
	if w.proxy != nil {
		errs = append(errs, w.proxy.close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.dir), w.engine.Close())...)
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("listening on %v is not TCP", l.Addr())
	}
	return addr.Port, nil
}
