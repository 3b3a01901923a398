package loki

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	readyPolls = 5
	readyStep  = 500 * time.Millisecond // The pause grows by it: 0.5, 1, 1.5, 2 s.
	readyTime  = 2500 * time.Millisecond
)

// Ready asks the server up to five times whether it takes lines, and returns the last refusal.
// It says nothing about later; a frame may as well start without it.
func (p *Pusher) Ready(ctx context.Context) error {
	var err error
	for poll := 1; ; poll++ {
		if err = p.poll(ctx); err == nil {
			return nil
		}
		if poll == readyPolls {
			return err
		}
		timer := time.NewTimer(time.Duration(poll) * readyStep)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

func (p *Pusher) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	target := p.root.JoinPath("ready")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return fmt.Errorf("make ready request: %w", err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("ask whether Loki is ready: %w", err)
	}
	defer response.Body.Close()
	if err := verdict(response); err != nil {
		return fmt.Errorf("ask whether Loki at %s is ready: %w", target.Redacted(), err)
	}
	return nil
}
