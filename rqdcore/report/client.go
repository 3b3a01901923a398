package report

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/rqdcore/cueconv"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/frame"
)

const (
	// statusDeadline is short: the next report is at most 30 s away and says everything again,
	// and Cuebot must hear of the host every 60 s with two of them lost.
	statusDeadline = 10 * time.Second
	// completionDeadline is long: Cuebot answers when its database has the frame's end.
	completionDeadline = 30 * time.Second
)

// Client calls one of several Cuebots, the next one after a failure. Its methods may be called
// from several goroutines.
type Client struct {
	log zerolog.Logger

	mu      sync.Mutex
	cuebots []string // In the order of use; the first one is in use now.
	current *line    // nil until the next call.
}

// line is one connection and the calls on it.
type line struct {
	cuebot  string
	conn    *grpc.ClientConn
	calls   int
	retired bool // Closed when its last call ends.
}

// NewClient makes a client of the Cuebots, each a host:port. It does not connect yet. The order
// is shuffled, so that the hosts of a farm share out the Cuebots among them.
func NewClient(cuebots []string, log zerolog.Logger) (*Client, error) {
	if len(cuebots) == 0 {
		return nil, errors.New("no Cuebot, want at least one host:port")
	}
	for _, c := range cuebots {
		if _, _, err := net.SplitHostPort(c); err != nil {
			return nil, fmt.Errorf("cuebot %q: %w, want host:port", c, err)
		}
	}
	cuebots = slices.Clone(cuebots)
	rand.Shuffle(len(cuebots), func(i, j int) { cuebots[i], cuebots[j] = cuebots[j], cuebots[i] })
	return &Client{log: log, cuebots: cuebots}, nil
}

// Boot announces the host.
func (c *Client) Boot(ctx context.Context, r frame.HostReport) error {
	req := &reportpb.RqdReportRqdStartupRequest{BootReport: cueconv.BootReport(r)}
	return c.call(ctx, statusDeadline, func(ctx context.Context, cuebot reportpb.RqdReportInterfaceClient) error {
		_, err := cuebot.ReportRqdStartup(ctx, req)
		return err
	})
}

// Status sends a host report.
func (c *Client) Status(ctx context.Context, r frame.HostReport) error {
	req := &reportpb.RqdReportStatusRequest{HostReport: cueconv.HostReport(r)}
	return c.call(ctx, statusDeadline, func(ctx context.Context, cuebot reportpb.RqdReportInterfaceClient) error {
		_, err := cuebot.ReportStatus(ctx, req)
		return err
	})
}

// Complete says how a frame ended; nil means that Cuebot has recorded it or knows better.
func (c *Client) Complete(ctx context.Context, done frame.Completion, h frame.Host) error {
	req := &reportpb.RqdReportRunningFrameCompletionRequest{FrameCompleteReport: cueconv.FrameCompleteReport(done, h)}
	return c.call(ctx, completionDeadline, func(ctx context.Context, cuebot reportpb.RqdReportInterfaceClient) error {
		_, err := cuebot.ReportRunningFrameCompletion(ctx, req)
		return err
	})
}

// Close ends the connection and the calls on it.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return nil
	}
	return c.current.conn.Close()
}

// call does one try. After a failure that is not the caller's doing the next call goes to the
// next Cuebot, or to the only one on a new connection: its name is resolved again, and a
// connection to a machine that vanished without a word is not waited for a second time.
func (c *Client) call(ctx context.Context, deadline time.Duration, do func(context.Context, reportpb.RqdReportInterfaceClient) error) error {
	l, err := c.dial()
	if err != nil {
		return err
	}
	attempt, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	err = do(attempt, reportpb.NewRqdReportInterfaceClient(l.conn))
	if err != nil && ctx.Err() == nil {
		c.turn(l)
	}
	c.hangUp(l)
	if err != nil {
		return fmt.Errorf("call cuebot %s: %w", l.cuebot, err)
	}
	return nil
}

func (c *Client) dial() (*line, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		cuebot := c.cuebots[0]
		conn, err := connect(cuebot)
		if err != nil {
			return nil, fmt.Errorf("dial cuebot %s: %w", cuebot, err)
		}
		c.current = &line{cuebot: cuebot, conn: conn}
	}
	c.current.calls++
	return c.current, nil
}

// turn lets the calls to come use the next Cuebot; those on the line go on. Only the first
// failure of a line turns.
func (c *Client) turn(from *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != from {
		return
	}
	c.current = nil
	from.retired = true
	c.cuebots = append(c.cuebots[1:], c.cuebots[0])
	if len(c.cuebots) > 1 {
		c.log.Info().Str("cuebot", from.cuebot).Str("next", c.cuebots[0]).Msg("turned to next cuebot")
	}
}

// hangUp ends one call on the line.
func (c *Client) hangUp(l *line) {
	c.mu.Lock()
	l.calls--
	last := l.retired && l.calls == 0
	c.mu.Unlock()
	if last {
		_ = l.conn.Close() // Nobody uses it, and it is closed whatever this says.
	}
}

// connect makes a connection that dials on its first call. The name is looked up at each
// dialling, by the system and not by gRPC, which would keep an answer for 30 s. There is
// no keepalive: Cuebot answers pings with GOAWAY.
func connect(cuebot string, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	retry := backoff.Config{BaseDelay: 500 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second}
	return grpc.NewClient("passthrough:///"+cuebot, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: 5 * time.Second}),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithUserAgent("rqdcore/" + buildinfo.Version),
	}, more...)...)
}
