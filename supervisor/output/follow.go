package output

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
)

// How long to wait before a log that broke off is asked for again.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// Engine is where containers' logs are.
type Engine interface {
	Logs(ctx context.Context, id string, o engine.LogOptions, deliver func(engine.LogLine) error) error
	Inspect(ctx context.Context, id string) (engine.Container, error)
}

// Printer writes the output of containers to two streams, whole lines at a time.
type Printer struct {
	engine Engine
	log    zerolog.Logger

	mu          sync.Mutex
	out, errOut io.Writer
}

// NewPrinter returns a printer to out and errOut.
func NewPrinter(e Engine, out, errOut io.Writer, log zerolog.Logger) *Printer {
	return &Printer{engine: e, log: log, out: out, errOut: errOut}
}

func (p *Printer) print(line engine.LogLine) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.out
	if line.Stderr {
		w = p.errOut
	}
	_, err := w.Write(append(line.Text, '\n'))
	return err
}

// Follower prints one container's output until the container has ended or the follower is told to stop.
type Follower struct {
	printer *Printer
	id      string
	source  Source
	cancel  context.CancelFunc
	done    chan struct{}

	// What follows belongs to the follower's goroutine.
	since   time.Time // Earlier lines are not looked at.
	earlier *printed  // What of the lines before source.Since was printed; nil is all.

	mu    sync.Mutex
	until time.Time
}

// Follow begins to print what container id writes and nobody has printed.
func (p *Printer) Follow(ctx context.Context, id string, from Source) *Follower {
	ctx, cancel := context.WithCancel(ctx)
	f := &Follower{printer: p, id: id, source: from, since: from.Since, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.catchUp(ctx)
		f.run(ctx)
	}()
	return f
}

// Until makes the follower end before the first line written at t or later; the zero time takes that back.
// Once the follower has ended it stays so.
func (f *Follower) Until(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until = t
}

// Ended says that there is nothing more to print.
func (f *Follower) Ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Drain waits until everything is printed, for as long as ctx lasts. It is for a container that has ended.
func (f *Follower) Drain(ctx context.Context) {
	select {
	case <-f.done:
	case <-ctx.Done():
	}
}

// Close ends the follower where it is. A write that blocks is not waited for.
func (f *Follower) Close() { f.cancel() }

// errCut ends a log at the time after which another supervisor prints it.
var errCut = errors.New("output: the rest is another supervisor's")

// catchUp finds out what a dead supervisor has left unprinted. Where that cannot be known, for instance because its log
// driver cannot be read, no line is printed twice, and up to some hundred milliseconds of lines are lost.
func (f *Follower) catchUp(ctx context.Context) {
	if len(f.source.Printers) == 0 || f.source.Since.IsZero() {
		return
	}
	begin := f.source.Since.Add(-lookBack)
	earlier, err := f.printer.printedBy(ctx, f.source.Printers, begin)
	if err != nil {
		f.printer.log.Debug().Err(err).Msg("not known what was printed before")
		return
	}
	f.since, f.earlier = begin, earlier
}

func (f *Follower) run(ctx context.Context) {
	cursor := &engine.LogCursor{}
	retry := firstRetry
	for {
		err := f.printer.engine.Logs(ctx, f.id, engine.LogOptions{Since: f.since, Follow: true, Cursor: cursor}, f.deliver)
		switch {
		case ctx.Err() != nil || errors.Is(err, errCut) || errors.Is(err, engine.ErrNotFound):
			return
		case err == nil && f.over(ctx):
			return
		case err == nil: // Engines have been seen to end the log of a busy container.
		case errors.Is(err, engine.ErrInvalid):
			f.printer.log.Warn().Err(err).Msg("rqd's output is not readable with its log driver")
			return
		default:
			f.printer.log.Debug().Err(err).Msg("rqd's output broke off")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
		retry = min(2*retry, lastRetry)
	}
}

func (f *Follower) deliver(line engine.LogLine) error {
	f.mu.Lock()
	until := f.until
	f.mu.Unlock()
	if !until.IsZero() && !line.Time.Before(until) {
		return errCut
	}
	if line.Time.Before(f.since) || (line.Time.Before(f.source.Since) && f.earlier.take(line)) {
		return nil
	}
	return f.printer.print(line)
}

// over says that the container has ended, so that the end of its log is the end of its output.
func (f *Follower) over(ctx context.Context) bool {
	c, err := f.printer.engine.Inspect(ctx, f.id)
	if err != nil {
		return errors.Is(err, engine.ErrNotFound)
	}
	return c.State == engine.StateExited || c.State == engine.StateDead || c.State == engine.StateRemoving
}
