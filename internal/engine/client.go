package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
)

// MinAPIVersion is the oldest engine API that this package speaks: Docker 20.10's.
const MinAPIVersion = "1.41"

// Options say how to reach the engine. The zero value follows the environment as docker does.
type Options struct {
	// Host is the engine's address, such as unix:///var/run/docker.sock. Empty means DOCKER_HOST,
	// or the default socket where that is unset. DOCKER_CERT_PATH and DOCKER_TLS_VERIFY apply to both.
	Host string
	// UserAgent names the program in the engine's log. Empty keeps Go's.
	UserAgent string
}

// Client talks to one Docker engine. It is safe for concurrent use.
type Client struct {
	api *client.Client
}

// Dial connects to the engine and negotiates the API version. An engine that does not answer
// is ErrUnavailable; one that is too old for MinAPIVersion is ErrInvalid.
func Dial(ctx context.Context, o Options) (*Client, error) {
	opts := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation(), keepConnections}
	if o.Host != "" {
		opts = append(opts, client.WithHost(o.Host))
	}
	if o.UserAgent != "" {
		opts = append(opts, client.WithUserAgent(o.UserAgent))
	}
	api, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, as(ErrInvalid, fmt.Errorf("configure engine client: %w", err))
	}
	c := &Client{api: api}
	if err := c.negotiate(ctx); err != nil {
		return nil, errors.Join(err, api.Close())
	}
	return c, nil
}

// idleConnections is how many connections stay open between calls. Go keeps two, and more frames than that start at once.
const idleConnections = 6

func keepConnections(c *client.Client) error {
	if transport, ok := c.HTTPClient().Transport.(*http.Transport); ok {
		transport.MaxIdleConnsPerHost = idleConnections
	}
	return nil
}

func (c *Client) negotiate(ctx context.Context) error {
	ping, err := c.api.Ping(ctx)
	if err != nil {
		return classify("reach engine", err)
	}
	c.api.NegotiateAPIVersionPing(ping)
	if v := c.api.ClientVersion(); versions.LessThan(v, MinAPIVersion) {
		return as(ErrInvalid, fmt.Errorf("engine at %s speaks API %s; %s (Docker 20.10) or newer is needed", c.api.DaemonHost(), v, MinAPIVersion))
	}
	return nil
}

// Close releases idle connections. Calls under way are not cut off.
func (c *Client) Close() error { return c.api.Close() }

// Host is the address of the engine, as docker's -H takes it.
func (c *Client) Host() string { return c.api.DaemonHost() }

// Ping asks the engine whether it answers.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.api.Ping(ctx)
	return classify("ping engine", err)
}

// Info asks the engine about itself and its host.
func (c *Client) Info(ctx context.Context) (Info, error) {
	raw, err := c.api.Info(ctx)
	if err != nil {
		return Info{}, classify("query engine", err)
	}
	info := toInfo(raw)
	info.APIVersion = c.api.ClientVersion()
	return info, nil
}
