package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/minicue/farm"
)

const (
	// DefaultListen is Cuebot's port, to which every RQD reports.
	DefaultListen = ":8443"
	// DefaultRQDPort is the one port Cuebot dials RQDs on.
	DefaultRQDPort = 8444
	// DefaultControl is where the control API listens. It starts commands on hosts without asking
	// who wants it, as Cuebot does, so it is for this machine only unless told otherwise.
	DefaultControl = "127.0.0.1:8442"

	deadline    = 10 * time.Second
	sweepEvery  = 30 * time.Second
	maxReceived = 100 << 20 // Cuebot's limit of a message.
)

// Config is what a server is made with. The zero value listens on Cuebot's port.
type Config struct {
	Listen  string
	Control string // Empty: no control API.
	RQDPort int
	// Resolve has addresses (with or without a port) of hosts whose names mean nothing here.
	Resolve map[string]string
	// Deadline of every call to an RQD. Defaults to Cuebot's 10 s.
	Deadline time.Duration
	Farm     farm.Config
	Log      zerolog.Logger
	// Answer decides what a report is answered. nil: everything is applied and answered OK.
	// It may block, call RQDs and change its mind from call to call.
	Answer func(context.Context, Call) Answer
	// Observe sees every call when it is over, in both directions. Calls may come at the same time.
	Observe func(Call)
}

// Server is a running minicue.
type Server struct {
	cfg  Config
	farm *farm.Farm
	log  zerolog.Logger

	listener *cuttable
	control  net.Listener // nil without control API.
	grpc     *grpc.Server
	http     *http.Server

	ctx    context.Context // Ends with the server; all calls to RQDs run under it.
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	rqds   map[string]*grpc.ClientConn
	passes map[string]*pass
	peers  map[string]string // Where the last report of a host came from.
	said   map[string]string // Problems of a host that were logged already.
}

// New opens the ports, so that one in use is an error here. The server answers once Run is called.
func New(cfg Config) (*Server, error) {
	if cfg.Listen == "" {
		cfg.Listen = DefaultListen
	}
	if cfg.RQDPort == 0 {
		cfg.RQDPort = DefaultRQDPort
	}
	if cfg.Deadline == 0 {
		cfg.Deadline = deadline
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("open the port for RQDs: %w", err)
	}
	s := &Server{
		cfg: cfg, farm: farm.New(cfg.Farm), log: cfg.Log, listener: newCuttable(l),
		rqds: map[string]*grpc.ClientConn{}, passes: map[string]*pass{},
		peers: map[string]string{}, said: map[string]string{},
	}
	if cfg.Control != "" {
		if s.control, err = net.Listen("tcp", cfg.Control); err != nil {
			_ = l.Close()
			return nil, fmt.Errorf("open the control port: %w", err)
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	// Keepalive enforcement stays grpc's default, which is Cuebot's too: an RQD that pings
	// without calls, or more often than every 5 minutes, is sent away.
	s.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(maxReceived), grpc.WaitForHandlers(true))
	reportpb.RegisterRqdReportInterfaceServer(s.grpc, &reports{s: s})
	s.http = &http.Server{Handler: s.controlHandler(), ReadHeaderTimeout: deadline}
	return s, nil
}

// Addr is where RQDs report.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// ControlAddr is where the control API listens; nil without one.
func (s *Server) ControlAddr() net.Addr {
	if s.control == nil {
		return nil
	}
	return s.control.Addr()
}

// Farm is the state behind the server. A caller that submits jobs to it directly calls BookAll afterwards.
func (s *Server) Farm() *farm.Farm { return s.farm }

// Run serves until ctx ends. Its ports are closed when it returns, and nothing goes on in the background.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2)
	var serving sync.WaitGroup
	serve := func(what string, fn func() error) {
		serving.Go(func() {
			defer cancel()
			// Both say so when they were told to end, perhaps before they began.
			if err := fn(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, grpc.ErrServerStopped) {
				failed <- fmt.Errorf("serve %s: %w", what, err)
			}
		})
	}
	serve("RQDs", func() error { return s.grpc.Serve(s.listener) })
	if s.control != nil {
		serve("the control API", func() error { return s.http.Serve(s.control) })
	}
	s.sweepUntil(ctx)
	s.close(ctx)
	serving.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func (s *Server) sweepUntil(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.Sweep()
		}
	}
}

// close cuts everybody off, as a Cuebot that is stopped does, and waits for what was going on.
func (s *Server) close(ctx context.Context) {
	s.cancel()
	s.grpc.Stop()
	// The control API's long calls end with s.ctx; the bound is for a peer that does not read.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.rqds {
		_ = c.Close()
	}
}
