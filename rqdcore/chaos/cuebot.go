package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc/codes"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/minicue/server"
)

// cuebot is Cuebot's side of the reports. It goes away and answers badly when told to.
type cuebot struct {
	books *books
	addr  string

	mu     sync.Mutex
	stop   func()
	armed  []reply            // For the completions to come, one each.
	next   map[string][]reply // For those that come again, by run.
	served []error            // Why a server ended that was not told to.
}

// reply is what happens to one completion, and to the same one when it comes again.
type reply struct {
	applied bool
	answer  server.Answer
	then    []reply
}

func openCuebot(ctx context.Context, b *books) (*cuebot, error) {
	c := &cuebot{books: b, addr: "127.0.0.1:0", next: make(map[string][]reply)}
	return c, c.up(ctx)
}

// up serves, on the port that it was first given.
func (c *cuebot) up(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		return nil
	}
	s, err := server.New(server.Config{Listen: c.addr, Log: zerolog.Nop(), Answer: c.answer})
	if err != nil {
		return fmt.Errorf("open cuebot: %w", err)
	}
	c.addr = s.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	c.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			c.served = append(c.served, err)
		}
	}
	return nil
}

// down closes the port and everybody's connection.
func (c *cuebot) down() {
	c.mu.Lock()
	stop := c.stop
	c.stop = nil
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// arm decides the fate of the next completion that has none yet.
func (c *cuebot) arm(r reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = append(c.armed, r)
}

// disarm lets everything be answered well again.
func (c *cuebot) disarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.next = nil, make(map[string][]reply)
}

func (c *cuebot) fate(of completion) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	run := fmt.Sprint(of.frameID, of.start)
	if again := c.next[run]; len(again) > 0 {
		c.next[run] = again[1:]
		return again[0]
	}
	if len(c.armed) == 0 {
		return reply{applied: true, answer: server.OK()}
	}
	r := c.armed[0]
	c.armed = c.armed[1:]
	c.next[run] = r.then
	return r
}

// answer is called for every report.
func (c *cuebot) answer(_ context.Context, call server.Call) server.Answer {
	switch in := call.Request.(type) {
	case *reportpb.RqdReportStatusRequest:
		c.checkCores(in.GetHostReport().GetCoreInfo())
		c.checkListed(in.GetHostReport())
	case *reportpb.RqdReportRunningFrameCompletionRequest:
		done := completionOf(in.GetFrameCompleteReport())
		r := c.fate(done)
		if r.applied {
			c.books.complete(done)
		}
		return r.answer
	}
	return server.OK()
}

func completionOf(r *reportpb.FrameCompleteReport) completion {
	f := r.GetFrame()
	return completion{
		frameID: f.GetFrameId(), resource: f.GetResourceId(), start: f.GetStartTime(),
		outcome: outcome{status: r.GetExitStatus(), signal: r.GetExitSignal(), at: time.Now()},
	}
}

func (c *cuebot) checkCores(d *reportpb.CoreDetail) {
	if d.GetIdleCores()+d.GetBookedCores()+d.GetLockedCores() != d.GetTotalCores() || d.GetIdleCores() < 0 {
		c.books.wrong("cores in a host report do not add up: %v", d)
	}
}

// badly is an answer that is an error.
func badly(pick float64) reply {
	codes := []codes.Code{codes.Unavailable, codes.Internal}
	return reply{answer: server.Fail(codes[int(pick*float64(len(codes)))], "cuebot is in trouble")}
}
