package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/machine"
	"rqdswarm/rqdcore/runner"
)

// Runner gives a frame its container and says how it ended. It models *runner.Runner.
type Runner interface {
	// Run returns when the frame has ended, or with an error when ctx ends first: then the
	// container goes on and another RQD will adopt it.
	Run(ctx context.Context, j *runner.Job) (frame.Exit, error)
	// Ready says why no frame can be started now, wrapping frame.ErrUnavailable; it never waits.
	Ready() error
	// Discard removes what is left of the frame's container, in the background.
	Discard(j *runner.Job)
}

// Journal keeps the promises. It models *journal.Dir.
type Journal interface {
	Put(name string, v any) error
	Delete(name string) error
}

// Outbox delivers completions for ever. It models *report.Outbox.
type Outbox interface {
	// Add returns when the completion is safe on the disk.
	Add(c frame.Completion) error
	// Drop forgets what is owed for the frame, and ends a delivery of it that is under way, before it returns.
	Drop(frameID string) error
}

// Facts tells what the machine is. It models *machine.Machine.
type Facts interface {
	Host() (frame.Host, error)
	// GPUs are the graphics cards as last seen; it does not ask them.
	GPUs() []machine.GPU
}

// Notify hears what Cuebot should hear of soon. It models *report.Reporter and never blocks.
type Notify interface {
	Poke()       // A lock or a shutdown, for which a person waits.
	FrameEnded() // One of perhaps many.
}

// Config is what New needs.
type Config struct {
	Runner  Runner
	Journal Journal
	Outbox  Outbox
	Facts   Facts
	Log     zerolog.Logger
	Notify  Notify

	Cores frame.CorePoints // All of the machine.
	Pins  []machine.Core   // Physical cores that threadable frames are pinned to.
}

// Host is the machine as Cuebot books it. Its methods may be called from several goroutines.
type Host struct {
	cfg      Config
	accepted chan *entry
	quit     chan struct{} // Closed when a shutdown that was asked for may happen.
	quitOnce sync.Once
	stopped  chan struct{} // Closed when Run no longer takes frames.

	mu       sync.Mutex
	mode     mode
	ledger   *ledger
	frames   map[string]*entry // By frame id: admitted and not ended.
	settling map[string]*entry // By frame id: ended, completion not yet safe.
	facts    frame.Host        // The newest that could be read.
}

// mode is whether the host takes frames.
type mode int

const (
	open      mode = iota
	draining       // Takes none; quits when the last one has ended.
	down           // Takes none until it is unlocked. Not reported as DOWN: that would make Cuebot book the frames elsewhere.
	departing      // RQD is ending; frames go on for the next one.
)

// New returns a host without frames.
func New(cfg Config) *Host {
	return &Host{
		cfg:      cfg,
		accepted: make(chan *entry),
		quit:     make(chan struct{}),
		stopped:  make(chan struct{}),
		ledger:   newLedger(cfg.Cores, cfg.Pins),
		frames:   make(map[string]*entry),
		settling: make(map[string]*entry),
	}
}

// Run owns the frames until ctx ends, then returns when every owner has let go of its frame. The frames themselves go on.
func (h *Host) Run(ctx context.Context) error {
	var owners sync.WaitGroup
	for {
		select {
		case e := <-h.accepted:
			owners.Go(func() { h.own(ctx, e) })
		case <-ctx.Done():
			h.setMode(departing)
			close(h.stopped)
			owners.Wait()
			return nil
		}
	}
}

// Quit is closed when RQD was asked to shut down and may do so.
func (h *Host) Quit() <-chan struct{} { return h.quit }

// Running is what is known of a frame that is not over.
func (h *Host) Running(frameID string) (frame.Running, error) {
	e, err := h.lookup(frameID)
	if err != nil {
		return frame.Running{}, err
	}
	return e.job.Running(), nil
}

// Report is the host's word to Cuebot at this moment.
func (h *Host) Report() frame.HostReport {
	facts, err := h.cfg.Facts.Host()
	cards := h.cfg.Facts.GPUs()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		// A report with old figures is better than none: silence makes Cuebot book the frames elsewhere.
		h.cfg.Log.Warn().Err(err).Msg("read host facts")
		facts = h.facts
	}
	h.facts = facts
	r := frame.HostReport{Host: facts, Cores: h.ledger.snapshot(), Frames: make([]frame.Running, 0, len(h.frames))}
	for _, e := range h.frames {
		e.job.UseGPUs(usedMemory(cards, e.job.Promise().Reservation.GPUs))
		r.Frames = append(r.Frames, e.job.Running())
	}
	return r
}

func (h *Host) lookup(frameID string) (*entry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.frames[frameID]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("frame %s: %w", frameID, frame.ErrNotRunning)
}

func (h *Host) setMode(m mode) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mode = m
}
