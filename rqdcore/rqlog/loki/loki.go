// Package loki sends a frame's output to a Loki server instead of a rqlog, for jobs that name one.
//
// A Loki that fails, stalls or is away never fails or delays a frame: lines are batched,
// retried and, when the buffer is full, dropped from its old end, with a line that says how many.
package loki

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"rqdswarm/rqdcore/frame"
)

// Options say where a frame's output goes.
type Options struct {
	URL        string            // RunFrame.loki_url: the server's root.
	Labels     map[string]string // Of the frame's one stream; see Labels.
	HTTPClient *http.Client      // nil is a client of its own. Sharing one between frames shares its connections.
	// Trouble is told once when Loki begins to fail, and nil once when it takes lines again. It must not block.
	Trouble func(error)
}

// Labels are those of one run of a frame. CueGUI and CueWeb find the run by frame_id, tell
// runs apart by session_start_time and read that as a number. An adopted frame keeps its start.
func Labels(f frame.Frame, hostName string, start time.Time) map[string]string {
	return map[string]string{
		"host":               hostName,
		"job_name":           f.JobName,
		"frame_name":         f.Name,
		"username":           f.UserName,
		"frame_id":           f.ID,
		"session_start_time": strconv.FormatFloat(float64(start.UnixMicro())/1e6, 'f', 6, 64),
	}
}

// Pusher takes one frame's output and sends it. Write and Consume never wait for the server;
// Run does the sending. All methods may be called concurrently.
type Pusher struct {
	root     *url.URL
	labels   map[string]string
	client   *http.Client
	trouble  func(error)
	troubled bool // Run's alone.

	queue   queue
	updated atomic.Int64
	closed  chan struct{}
	once    sync.Once
}

// New checks the options; it calls nobody.
func New(o Options) (*Pusher, error) {
	root, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("read Loki URL: %w", err)
	}
	if root.Scheme != "http" && root.Scheme != "https" || root.Host == "" {
		return nil, fmt.Errorf("read Loki URL %s: want http://HOST or https://HOST", root.Redacted())
	}
	client := &http.Client{}
	if o.HTTPClient != nil {
		*client = *o.HTTPClient
	}
	// A redirected POST becomes a GET, which would look like success.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	trouble := o.Trouble
	if trouble == nil {
		trouble = func(error) {}
	}
	return &Pusher{
		root: root, labels: maps.Clone(o.Labels), client: client, trouble: trouble,
		queue: queue{wake: make(chan struct{}, 1)}, closed: make(chan struct{}),
	}, nil
}

// Write takes whole lines: header, notices, footer. It never fails.
func (p *Pusher) Write(text []byte) (int, error) {
	var l lines
	l.feed(text, p.add)
	l.flush(p.add)
	p.updated.Store(time.Now().Unix())
	return len(text), nil
}

// Consume takes the output of the command until r ends, and returns r's error. For frameinit,
// r's other end is the log.
func (p *Pusher) Consume(r io.Reader) error {
	var l lines
	defer l.flush(p.add)
	buffer := make([]byte, readSize)
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			p.updated.Store(time.Now().Unix())
			l.feed(buffer[:n], p.add)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read output: %w", err)
		}
	}
}

// Updated is when the frame last wrote something, in epoch seconds, for llu_time; 0 before that.
func (p *Pusher) Updated() int64 { return p.updated.Load() }

// Close says that nothing more comes. Run then sends what is left, and returns.
func (p *Pusher) Close() { p.once.Do(func() { close(p.closed) }) }

func (p *Pusher) add(line string) { p.queue.add(time.Now(), line) }
