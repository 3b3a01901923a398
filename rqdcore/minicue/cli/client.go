package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rqdswarm/rqdcore/minicue/farm"
	"rqdswarm/rqdcore/minicue/server"
)

// client talks to the control API of minicue serve.
type client struct {
	server string
	http   *http.Client
}

// newClient never asks a proxy: the server is on this machine or on the farm.
func newClient(server string) *client {
	return &client{server: server, http: &http.Client{Transport: &http.Transport{}}}
}

// refusal is an answer of the server that is not 2xx.
type refusal struct {
	code int
	text string
}

// Error is the server's own line.
func (r *refusal) Error() string { return r.text }

// longest bounds every call; the server answers waiting calls sooner.
const longest = 40 * time.Second

func (c *client) hosts(ctx context.Context) ([]farm.HostView, error) {
	return get[[]farm.HostView](ctx, c, "/v1/hosts")
}

func (c *client) frames(ctx context.Context) ([]farm.FrameView, error) {
	return get[[]farm.FrameView](ctx, c, "/v1/frames")
}

func (c *client) submit(ctx context.Context, j farm.Job) (farm.JobView, error) {
	return post[farm.JobView](ctx, c, "/v1/jobs", j)
}

// events returns what happened after event number after. It waits a little for something to happen.
func (c *client) events(ctx context.Context, jobID string, after int) (farm.EventPage, error) {
	return get[farm.EventPage](ctx, c, "/v1/jobs/"+url.PathEscape(jobID)+"/events?wait=2&after="+strconv.Itoa(after))
}

func (c *client) killJob(ctx context.Context, jobID string) ([]server.KillResult, error) {
	return post[[]server.KillResult](ctx, c, "/v1/jobs/"+url.PathEscape(jobID)+"/kill", struct{}{})
}

func (c *client) killFrames(ctx context.Context, frames []string) ([]server.KillResult, error) {
	return post[[]server.KillResult](ctx, c, "/v1/frames/kill", server.KillRequest{Frames: frames})
}

// lock does what is "lock" or "unlock".
func (c *client) lock(ctx context.Context, what, host string, n cores) error {
	_, err := post[struct{}](ctx, c, "/v1/hosts/"+url.PathEscape(host)+"/"+what, server.LockRequest{Cores: farm.Points(n)})
	return err
}

func get[T any](ctx context.Context, c *client, path string) (T, error) {
	var out T
	err := c.call(ctx, http.MethodGet, path, nil, &out)
	return out, err
}

func post[T any](ctx context.Context, c *client, path string, in any) (T, error) {
	var out T
	raw, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("encode request: %w", err)
	}
	err = c.call(ctx, http.MethodPost, path, raw, &out)
	return out, err
}

func (c *client) call(ctx context.Context, method, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.server+path, bytes.NewReader(body))
	if err != nil {
		return usage(fmt.Errorf("server %q: want HOST:PORT: %w", c.server, err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }() // Only read.
	if resp.StatusCode != http.StatusOK {
		var f server.Failure
		if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || f.Error == "" {
			return fmt.Errorf("%s answers %s: that is no minicue", c.server, resp.Status)
		}
		return &refusal{code: resp.StatusCode, text: f.Error}
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.server, err)
	}
	return nil
}

// errUnreachable is a server that does not answer at all.
var errUnreachable = errors.New("does not answer")

func (c *client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("minicue serve %w at %s (%w): start it with `minicue serve`, or say where it is with --server HOST:PORT or MINICUE_SERVER", errUnreachable, c.server, err)
}
