package suite

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// Stage is what a check plays on: a Cuebot, an RQD that reports to it, and a directory that
// RQD and its frames see under the same path.
type Stage struct {
	*verdict
	Cue *Cuebot
	RQD rqdpb.RqdInterfaceClient
	Old rqdpb.RunningFrameClient // The older way to ask of one frame.

	suite   *Suite
	check   Check
	rqd     RQD // nil for an RQD that nobody here can start.
	address string
	name    string // What RQD calls itself.
	images  []ImageKey
	dir     string // Shared with the frames.
	own     string // RQD's own.
	conf    string
	slow    slowRegistry

	mu       sync.Mutex
	launched map[string]*rqdpb.RunFrame
	servers  map[string]*http.Server // By address.
}

// callTime is Cuebot's deadline of every call.
const callTime = 10 * time.Second

// patience bounds a wait for what may take its time on a busy machine.
const patience = 30 * time.Second

// start starts RQD with the check's configuration.
func (s *Stage) start() {
	if s.rqd == nil {
		s.Skipf("needs --start and --stop, the commands that start and end this RQD")
	}
	if err := s.rqd.Start(s.conf); err != nil {
		s.Fatalf("start RQD: %v", err)
	}
}

// writeConfig writes rqd.conf for the next start.
func (s *Stage) writeConfig(text string) {
	s.conf = filepath.Join(s.own, "rqd.conf")
	if err := os.WriteFile(s.conf, []byte(text), 0o644); err != nil { // #nosec G306 -- another user's RQD may read it.
		s.Fatalf("write %s: %v", s.conf, err)
	}
}

// terminate is SIGTERM. What the exit has to look like is a check of its own.
func (s *Stage) terminate() int {
	code, err := s.rqd.Terminate()
	if err != nil {
		s.Fatalf("SIGTERM to RQD: %v", err)
	}
	return code
}

// connect makes the clients. They dial again quickly: an RQD that starts is found at once.
func (s *Stage) connect() {
	conn := s.dial()
	s.RQD, s.Old = rqdpb.NewRqdInterfaceClient(conn), rqdpb.NewRunningFrameClient(conn)
}

func (s *Stage) dial() *grpc.ClientConn {
	conn, err := grpc.NewClient("passthrough:///"+s.address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(64<<20)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		s.Fatalf("dial %s: %v", s.address, err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	return conn
}

// call is a context with Cuebot's deadline.
func (s *Stage) call() context.Context {
	ctx, cancel := context.WithTimeout(s.ctx, callTime)
	s.Cleanup(cancel)
	return ctx
}

// report asks RQD for what it would report now.
func (s *Stage) report() *reportpb.HostReport {
	r, err := s.tryReport()
	if err != nil {
		s.Fatalf("ReportStatus: %v", err)
	}
	return r
}

func (s *Stage) tryReport() (*reportpb.HostReport, error) {
	ctx, cancel := context.WithTimeout(s.ctx, callTime)
	defer cancel()
	r, err := s.RQD.ReportStatus(ctx, &rqdpb.RqdStaticReportStatusRequest{})
	return r.GetHostReport(), err
}

// answers says whether RQD's port answers within the time.
func (s *Stage) answers(within time.Duration) bool {
	return s.poll(within, func() bool {
		_, err := s.tryReport()
		return err == nil
	})
}

// booted waits for the nth boot report that Cuebot took.
func (s *Stage) booted(nth int) Arrival {
	var boots []Arrival
	if !s.poll(patience, func() bool {
		boots = accepted(s.Cue.Boots())
		return len(boots) >= nth
	}) {
		s.Fatalf("have %d boot reports after %v, want %d", len(boots), patience, nth)
	}
	return boots[nth-1]
}

func accepted(list []Arrival) []Arrival {
	var out []Arrival
	for _, a := range list {
		if a.Accepted {
			out = append(out, a)
		}
	}
	return out
}

// lasts is how long something has to last: a shortened time unless the real one is asked for.
func (s *Stage) lasts(short, full time.Duration) time.Duration {
	if s.suite.opts.Full {
		return full
	}
	return short
}

// saw puts the last words of RQD under a failure.
func (s *Stage) saw() {
	if s.rqd == nil || !s.hasFailed() {
		return
	}
	const last = 25
	said := strings.TrimSpace(s.rqd.Said())
	if said == "" {
		return
	}
	lines := strings.Split(said, "\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf("RQD's last words:\n%s", strings.Join(lines[max(0, len(lines)-last):], "\n")))
}
