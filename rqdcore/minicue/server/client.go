package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// Client returns a client for any call to the RQD of a host. Its calls are observed and
// have Cuebot's deadline unless the context has a shorter one.
func (s *Server) Client(host string) (rqdpb.RqdInterfaceClient, error) {
	conn, err := s.conn(host)
	if err != nil {
		return nil, err
	}
	return rqdpb.NewRqdInterfaceClient(conn), nil
}

// conn is the one connection to a host. It is made when first needed and made anew after
// every loss; while that waits for its next try calls fail at once, as Cuebot's do.
func (s *Server) conn(host string) (*grpc.ClientConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.rqds[host]; c != nil {
		return c, nil
	}
	c, err := grpc.NewClient("passthrough:///"+s.address(host),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		// Cuebot waits up to half a minute before it tries again; a person would not.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithUnaryInterceptor(s.observed(host)))
	if err != nil {
		return nil, fmt.Errorf("dial host %s: %w", host, err)
	}
	s.rqds[host] = c
	return c, nil
}

// address is where a host's RQD answers: its name and the one port, or what Resolve says.
func (s *Server) address(host string) string {
	port := strconv.Itoa(s.cfg.RQDPort)
	to, ok := s.cfg.Resolve[host]
	if !ok {
		return net.JoinHostPort(host, port)
	}
	if _, _, err := net.SplitHostPort(to); err == nil {
		return to
	}
	return net.JoinHostPort(to, port)
}

func (s *Server) observed(host string) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
		defer cancel()
		c := Call{Method: method, Host: host, Start: time.Now()}
		c.Err = invoke(ctx, method, req, reply, cc, opts...)
		c.Request, _ = req.(proto.Message)
		s.observe(c)
		return c.Err
	}
}

func (s *Server) launchFrame(ctx context.Context, o farm.Order) error {
	rqd, err := s.Client(o.Host)
	if err != nil {
		return err
	}
	_, err = rqd.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: runFrameOf(o)})
	return err
}

func (s *Server) killFrame(ctx context.Context, k farm.Kill) (farm.KillOutcome, error) {
	rqd, err := s.Client(k.Host)
	if err != nil {
		return farm.Unclear, err
	}
	_, err = rqd.KillRunningFrame(ctx, &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: k.FrameID, Message: k.Message})
	switch status.Code(err) {
	case codes.OK:
		return farm.WillDie, nil
	case codes.NotFound:
		return farm.NotRunning, err
	default:
		return farm.Unclear, err
	}
}

// reach finds the host that a person means, and its RQD.
func (s *Server) reach(name string) (host string, rqd rqdpb.RqdInterfaceClient, err error) {
	if host, err = s.farm.HostName(name); err != nil {
		return "", nil, err
	}
	rqd, err = s.Client(host)
	return host, rqd, err
}

// LockHost keeps frames away: all of them, as Cuebot does, or with cores some, which no
// Cuebot knows of: RQD refuses what is booked on them. A host that does not answer stays as it was.
func (s *Server) LockHost(ctx context.Context, name string, cores farm.Points) error {
	host, rqd, err := s.reach(name)
	if err != nil {
		return err
	}
	if cores > 0 {
		_, err = rqd.Lock(ctx, &rqdpb.RqdStaticLockRequest{Cores: int32(cores)})
		return s.wrap(ctx, "lock cores of", host, err)
	}
	if err := s.farm.Lock(host, farm.Locked); err != nil {
		return err
	}
	if _, err = rqd.LockAll(ctx, &rqdpb.RqdStaticLockAllRequest{}); err != nil {
		return errors.Join(s.wrap(ctx, "lock", host, err), s.farm.Lock(host, farm.Open))
	}
	return nil
}

// UnlockHost lets frames on a host again, or gives some locked cores back.
func (s *Server) UnlockHost(ctx context.Context, name string, cores farm.Points) error {
	host, rqd, err := s.reach(name)
	if err != nil {
		return err
	}
	if cores > 0 {
		_, err = rqd.Unlock(ctx, &rqdpb.RqdStaticUnlockRequest{Cores: int32(cores)})
		return s.wrap(ctx, "unlock cores of", host, err)
	}
	if _, err = rqd.UnlockAll(ctx, &rqdpb.RqdStaticUnlockAllRequest{}); err != nil {
		return s.wrap(ctx, "unlock", host, err)
	}
	err = s.farm.Lock(host, farm.Open)
	s.bookPass(host)
	return err
}

func (s *Server) wrap(ctx context.Context, verb, host string, err error) error {
	if err == nil {
		return nil
	}
	return &hostError{verb: verb, host: host, reason: s.explain(ctx, host, err)}
}

// hostError is a host that did not do what a person asked.
type hostError struct{ verb, host, reason string }

// Error names the host and why.
func (e *hostError) Error() string { return e.verb + " host " + e.host + ": " + e.reason }

// explain says why a call failed. The usual reason at a first try is a name that means something
// only where RQD runs, so that is looked at.
func (s *Server) explain(ctx context.Context, host string, err error) string {
	st := status.Convert(err)
	if st.Code() == codes.Unavailable {
		name, _, splitErr := net.SplitHostPort(s.address(host))
		ctx, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
		defer cancel()
		if _, lookup := net.DefaultResolver.LookupHost(ctx, name); splitErr == nil && lookup != nil {
			s.mu.Lock()
			hint := s.peers[host]
			s.mu.Unlock()
			return fmt.Sprintf("the name %s does not resolve here; give minicue serve --resolve %s=ADDRESS (its reports come from %s), or RQD another name", name, host, hint)
		}
	}
	return st.Code().String() + ": " + st.Message()
}
