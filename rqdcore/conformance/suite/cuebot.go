package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc/codes"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/minicue/server"
)

// Cuebot is the one that the RQD under test reports to. It books nothing by itself.
type Cuebot struct {
	listen string

	mu       sync.Mutex
	replies  func(context.Context, Arrival) Reply
	arrivals []Arrival
	stop     func()
}

// Arrival is one report of the RQD.
type Arrival struct {
	At       time.Time
	Accepted bool // It was answered OK.

	// One of these.
	Boot *reportpb.BootReport
	Host *reportpb.HostReport
	Done *reportpb.FrameCompleteReport
}

// Reply is what a report is answered; the zero value is OK.
type Reply struct {
	Code codes.Code
	Hang time.Duration // Before anything else.
	Cut  bool          // The connection is dropped instead.
}

// NewCuebot starts a Cuebot. Listen's port must be free.
func NewCuebot(listen string) (*Cuebot, error) {
	c := &Cuebot{listen: listen}
	return c, c.Start()
}

// Start opens the port, which Stop has closed.
func (c *Cuebot) Start() error {
	s, err := server.New(server.Config{Listen: c.listen, Answer: c.answer, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	c.listen = s.Addr().String() // For good, also where any port would have done.
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Run(ctx) }) // A listener that breaks shows as an RQD that does not report.
	c.stop = func() { cancel(); serving.Wait() }
	return nil
}

// Addr is where RQDs report.
func (c *Cuebot) Addr() string { return c.listen }

// Stop cuts everybody off and closes the port: connections are refused.
func (c *Cuebot) Stop() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

// Reset forgets what arrived and answers everything OK again.
func (c *Cuebot) Reset() error {
	c.Reply(nil)
	c.mu.Lock()
	c.arrivals = nil
	c.mu.Unlock()
	if c.stop == nil {
		return c.Start()
	}
	return nil
}

// Reply sets who decides about the answers; nil is OK to all. It may block and may call the RQD.
func (c *Cuebot) Reply(decide func(context.Context, Arrival) Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replies = decide
}

func (c *Cuebot) answer(ctx context.Context, call server.Call) server.Answer {
	a := Arrival{At: time.Now()}
	switch m := call.Request.(type) {
	case *reportpb.RqdReportRqdStartupRequest:
		a.Boot = m.GetBootReport()
	case *reportpb.RqdReportStatusRequest:
		a.Host = m.GetHostReport()
	case *reportpb.RqdReportRunningFrameCompletionRequest:
		a.Done = m.GetFrameCompleteReport()
	}
	c.mu.Lock()
	decide, index := c.replies, len(c.arrivals)
	c.arrivals = append(c.arrivals, a)
	c.mu.Unlock()
	var r Reply
	if decide != nil {
		r = decide(ctx, a)
	}
	select {
	case <-time.After(r.Hang):
	case <-ctx.Done():
		return server.Fail(codes.DeadlineExceeded, "the caller did not wait")
	}
	switch {
	case r.Cut:
		return server.Cut()
	case r.Code != codes.OK:
		return server.Fail(r.Code, "as the check wants it")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if index < len(c.arrivals) { // Or else it belongs to an earlier check.
		c.arrivals[index].Accepted = true
	}
	return server.Answer{} // OK, and nothing follows from it: the check is Cuebot's mind.
}

// Arrivals are all reports so far, in the order they came.
func (c *Cuebot) Arrivals() []Arrival {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.arrivals)
}

// Boots are the boot reports so far.
func (c *Cuebot) Boots() []Arrival { return c.which(func(a Arrival) bool { return a.Boot != nil }) }

// Hosts are the host reports so far.
func (c *Cuebot) Hosts() []Arrival { return c.which(func(a Arrival) bool { return a.Host != nil }) }

// Completions are those of one frame so far.
func (c *Cuebot) Completions(frameID string) []Arrival {
	return c.which(func(a Arrival) bool { return a.Done.GetFrame().GetFrameId() == frameID && frameID != "" })
}

func (c *Cuebot) which(is func(Arrival) bool) []Arrival {
	return slices.DeleteFunc(c.Arrivals(), func(a Arrival) bool { return !is(a) })
}

// lists says whether the report has the frame.
func lists(r *reportpb.HostReport, frameID string) bool { return listed(r, frameID) != nil }

func listed(r *reportpb.HostReport, frameID string) *reportpb.RunningFrameInfo {
	for _, f := range r.GetFrames() {
		if f.GetFrameId() == frameID {
			return f
		}
	}
	return nil
}

// unbalanced says how a core_info does not add up; nil if it does.
func unbalanced(c *reportpb.CoreDetail) error {
	if c == nil {
		return errors.New("core_info is missing")
	}
	if c.GetIdleCores()+c.GetBookedCores()+c.GetLockedCores() != c.GetTotalCores() || c.GetIdleCores() < 0 {
		return fmt.Errorf("idle %d + booked %d + locked %d, want the total %d",
			c.GetIdleCores(), c.GetBookedCores(), c.GetLockedCores(), c.GetTotalCores())
	}
	return nil
}
