package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rqdswarm/rqdcore/minicue/farm"
	"rqdswarm/rqdcore/minicue/server"
)

// client talks to the control API of minicue serve.
type client struct{ server string }

// refusal is an answer of the server that is not 2xx.
type refusal struct {
	code int
	text string
}

// Error is the server's own line.
func (r *refusal) Error() string { return r.text }

// longest bounds every call; the server answers waiting calls sooner.
const longest = 40 * time.Second

func (c *client) hosts(ctx context.Context) (out []farm.HostView, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/hosts", nil, &out)
}

func (c *client) frames(ctx context.Context) (out []farm.FrameView, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/frames", nil, &out)
}

func (c *client) submit(ctx context.Context, j farm.Job) (out farm.JobView, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/jobs", j, &out)
}

// events returns what happened after event number after. It waits a little for something to happen.
func (c *client) events(ctx context.Context, jobID string, after int) (out farm.EventPage, err error) {
	path := "/v1/jobs/" + url.PathEscape(jobID) + "/events?wait=2&after=" + strconv.Itoa(after)
	return out, c.call(ctx, http.MethodGet, path, nil, &out)
}

func (c *client) killJob(ctx context.Context, jobID string) (out []server.KillResult, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/jobs/"+url.PathEscape(jobID)+"/kill", struct{}{}, &out)
}

func (c *client) killFrames(ctx context.Context, frames []string) (out []server.KillResult, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/frames/kill", server.KillRequest{Frames: frames}, &out)
}

// lock does what is "lock" or "unlock".
func (c *client) lock(ctx context.Context, what, host string, n cores) error {
	var none struct{}
	return c.call(ctx, http.MethodPost, "/v1/hosts/"+url.PathEscape(host)+"/"+what, server.LockRequest{Cores: farm.Points(n)}, &none)
}

func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.server+path, body)
	if err != nil {
		return usage(fmt.Errorf("server %q: want HOST:PORT: %w", c.server, err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := directly.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
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

// directly never asks a proxy: the server is on this machine or on the farm.
var directly = &http.Client{Transport: &http.Transport{}}

// errUnreachable is a server that does not answer at all.
var errUnreachable = errors.New("does not answer")

func (c *client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("minicue serve %w at %s (%w): start it with `minicue serve`, or say where it is with --server HOST:PORT or MINICUE_SERVER", errUnreachable, c.server, err)
}
