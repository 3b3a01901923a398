package loki

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	batchWait  = time.Second      // How long a line may wait for company.
	tryTime    = 10 * time.Second // For one push.
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
	// drainTime is how long Run goes on after Close against a Loki that is away. It holds
	// nothing up: the frame's completion does not wait for it.
	drainTime = time.Minute
)

// errDrain ends the sending of what was left at Close.
var errDrain = errors.New("loki: gave up after the frame's end")

// Run sends what Write and Consume take. It returns nil when all of it is sent after Close, an
// error when Loki did not take the rest in time, and the cause when ctx ends.
func (p *Pusher) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go p.limitDrain(ctx, cancel)
	for p.gather(ctx) {
		if b := p.queue.take(); len(b.entries) > 0 {
			p.deliver(ctx, b)
		}
	}
	err := context.Cause(ctx)
	_, left, lost := p.queue.state()
	if left += lost; left > 0 && (err == nil || errors.Is(err, errDrain)) {
		return fmt.Errorf("push to %s: the last %d lines are lost", p.root.Redacted(), left)
	}
	return err
}

// limitDrain cancels when drainTime has passed since Close.
func (p *Pusher) limitDrain(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
		return
	case <-p.closed:
	}
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		cancel(errDrain)
	}
}

// gather waits until a batch is worth sending; it returns false when there will be no more, or ctx ended.
func (p *Pusher) gather(ctx context.Context) bool {
	var company <-chan time.Time // Runs from the first line on.
	for {
		bytes, lines, _ := p.queue.state()
		select {
		case <-p.closed:
			// What came before Close is in the queue, or was never to be sent.
			_, lines, _ = p.queue.state()
			return lines > 0 && ctx.Err() == nil
		default:
		}
		if bytes >= maxBatch {
			return ctx.Err() == nil
		}
		if lines > 0 && company == nil {
			company = time.After(batchWait)
		}
		select {
		case <-ctx.Done():
			return false
		case <-company:
			return true
		case <-p.closed:
		case <-p.queue.wake:
		}
	}
}

// deliver sends the batch, again and again if need be. A batch that Loki refuses, or that ctx
// leaves behind, is counted as lost.
func (p *Pusher) deliver(ctx context.Context, b batch) {
	body, err := p.encode(b)
	if err != nil {
		p.fail(err)
		p.queue.drop(b)
		return
	}
	closed := p.closed
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := p.try(ctx, body)
		if err == nil {
			p.recovered()
			return
		}
		if ctx.Err() != nil {
			p.queue.drop(b)
			return
		}
		p.fail(err)
		var refused *refusal
		if errors.As(err, &refused) && refused.final {
			p.queue.drop(b)
			return
		}
		// Frames of one host must not all come back at the same moment.
		timer := time.NewTimer(max(pause/2+rand.N(pause/2), refused.wait()))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-closed: // The rest has little time left: try at once, and anew from a short pause.
			closed, pause = nil, firstPause/2
		}
		timer.Stop()
	}
}

func (p *Pusher) fail(err error) {
	if !p.troubled {
		p.troubled = true
		p.trouble(err)
	}
}

func (p *Pusher) recovered() {
	if p.troubled {
		p.troubled = false
		p.trouble(nil)
	}
}

// encode is the push protocol's JSON: one stream, a list of [time, line].
func (p *Pusher) encode(b batch) ([]byte, error) {
	type stream struct {
		Labels map[string]string `json:"stream"`
		Values [][2]string       `json:"values"`
	}
	s := stream{Labels: p.labels}
	for _, e := range b.entries {
		s.Values = append(s.Values, [2]string{strconv.FormatInt(e.at, 10), e.line})
	}
	body, err := json.Marshal(map[string][]stream{"streams": {s}})
	if err != nil {
		return nil, fmt.Errorf("encode push: %w", err)
	}
	return body, nil
}

func (p *Pusher) try(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	target := p.root.JoinPath("loki/api/v1/push")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make push request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("push to Loki: %w", err)
	}
	defer response.Body.Close()
	if err := verdict(response); err != nil {
		return fmt.Errorf("push to Loki at %s: %w", target.Redacted(), err)
	}
	return nil
}

// refusal is an answer that is not success.
type refusal struct {
	status string
	text   string
	final  bool // Sending the same again will not help.
	after  time.Duration
}

func (r *refusal) Error() string {
	return strings.TrimRight(fmt.Sprintf("%s: %s", r.status, r.text), ": ")
}

// wait is how long the server wants to be left alone.
func (r *refusal) wait() time.Duration {
	if r == nil {
		return 0
	}
	return min(r.after, lastPause)
}

// verdict reads the answer to its end, so that the connection can be used again.
func verdict(response *http.Response) error {
	const enough = 512
	text, _ := io.ReadAll(io.LimitReader(response.Body, enough)) // Only words for people.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxLine))
	code := response.StatusCode
	if code/100 == 2 {
		return nil
	}
	r := &refusal{status: response.Status, text: strings.TrimSpace(strings.ToValidUTF8(string(text), ""))}
	r.final = code/100 != 5 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.after = time.Duration(seconds) * time.Second
	}
	return r
}
