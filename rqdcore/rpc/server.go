package rpc

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

const (
	// maxMessage is what a call may bring: gRPC's own default, which every RQD had. Cuebot's
	// largest order is far below, and the kernel takes no command with environment over 2 MiB.
	maxMessage = 4 << 20
	// handshake is how long a new connection may take to speak HTTP/2.
	handshake = 10 * time.Second
	// drain is how long calls may still run after Stop. No call of ours waits for anything
	// slow, and a stopping RQD has to be gone before its supervisor's grace (10 s) ends.
	drain = 3 * time.Second
)

// Config is what a Server needs. All fields are required.
type Config struct {
	Frames Frames
	Locks  Locks
	Exits  Exits
	Log    zerolog.Logger
}

// Server answers Cuebot and its tools. Serve and Stop make it an actor of a run.Group.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
	log    zerolog.Logger
	stop   chan struct{}
	once   sync.Once
}

// NewServer makes a server that does not listen yet.
func NewServer(c Config) *Server {
	s := &Server{
		health: health.NewServer(),
		log:    c.Log,
		stop:   make(chan struct{}),
	}
	s.grpc = grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.ConnectionTimeout(handshake),
		// Schedulers and monitors may keep their idle connections alive.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(logged(c.Log), coded, safe(c.Log)),
	)
	rqdpb.RegisterRqdInterfaceServer(s.grpc, &rqdInterface{frames: c.Frames, locks: c.Locks, exits: c.Exits, log: c.Log})
	rqdpb.RegisterRunningFrameServer(s.grpc, &runningFrame{frames: c.Frames})
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	for name := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(name, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	return s
}

// Serve answers calls on l until Stop, then lets the calls in progress end and returns nil.
// It closes l. A server serves once.
func (s *Server) Serve(l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(l) }()
	s.log.Info().Stringer("address", l.Addr()).Msg("port opened")
	select {
	case err := <-failed:
		s.grpc.Stop()
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-s.stop:
	}
	s.health.Shutdown()
	hard := time.AfterFunc(drain, s.grpc.Stop)
	defer hard.Stop()
	s.grpc.GracefulStop()
	if err := <-failed; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// Stop tells Serve to end and returns at once. It may be called more than once, and before Serve.
func (s *Server) Stop() { s.once.Do(func() { close(s.stop) }) }
