package output

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine"
)

// scripted is an engine whose logs come in pieces: each call of Logs delivers the next one and ends as it says.
type scripted struct {
	mu     sync.Mutex
	pieces []piece
	calls  int
	ended  bool // The container has ended once the last piece is delivered.
}

type piece struct {
	lines []string // Of the times 1 s, 2 s, … after the epoch: the number in the line.
	err   error
}

var epoch = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

func line(text string) engine.LogLine {
	return engine.LogLine{Time: epoch.Add(time.Duration(text[0]-'0') * time.Second), Text: []byte(text), Stderr: strings.HasSuffix(text, "e")}
}

func (s *scripted) Logs(ctx context.Context, _ string, _ engine.LogOptions, deliver func(engine.LogLine) error) error {
	s.mu.Lock()
	if s.calls == len(s.pieces) {
		s.mu.Unlock()
		<-ctx.Done()
		return ctx.Err()
	}
	p := s.pieces[s.calls]
	s.calls++
	s.ended = s.calls == len(s.pieces)
	s.mu.Unlock()
	for _, text := range p.lines {
		if err := deliver(line(text)); err != nil {
			return err
		}
	}
	return p.err
}

func (s *scripted) Inspect(context.Context, string) (engine.Container, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return engine.Container{State: engine.StateExited}, nil
	}
	return engine.Container{State: engine.StateRunning}, nil
}

func TestFollow(t *testing.T) {
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	for name, c := range map[string]struct {
		pieces       []piece
		since, until time.Time
		want         string
		calls        int
	}{
		"to the end":                      {[]piece{{lines: []string{"1", "2e", "3"}}}, time.Time{}, time.Time{}, "1\n!2e\n3\n", 1},
		"broken off":                      {[]piece{{[]string{"1"}, engine.ErrUnavailable}, {[]string{"2"}, errors.New("unexpected EOF")}, {lines: []string{"3"}}}, time.Time{}, time.Time{}, "1\n2\n3\n", 3},
		"ended early while rqd runs":      {[]piece{{lines: []string{"1"}}, {lines: []string{"2"}}}, time.Time{}, time.Time{}, "1\n2\n", 2},
		"gone":                            {[]piece{{[]string{"1"}, engine.ErrNotFound}, {lines: []string{"2"}}}, time.Time{}, time.Time{}, "1\n", 1},
		"driver that cannot be read":      {[]piece{{nil, engine.ErrInvalid}, {lines: []string{"2"}}}, time.Time{}, time.Time{}, "", 1},
		"from a time on, also when again": {[]piece{{[]string{"1", "2", "3"}, engine.ErrUnavailable}, {lines: []string{"1", "4"}}}, at(2), time.Time{}, "2\n3\n4\n", 2},
		"up to a time":                    {[]piece{{lines: []string{"1", "2", "3"}}, {lines: []string{"4"}}}, time.Time{}, at(3), "1\n2\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &scripted{pieces: c.pieces}
				var both strings.Builder
				p := NewPrinter(e, &both, marked{&both}, zerolog.Nop())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				f := p.Follow(ctx, "rqd", Source{Since: c.since})
				f.Until(c.until)
				drained, stop := context.WithTimeout(ctx, time.Minute)
				defer stop()
				f.Drain(drained)
				if !f.Ended() {
					t.Error("want the follower ended, it is not")
				}
				if both.String() != c.want || e.calls != c.calls {
					t.Errorf("want %q in %d calls, have %q in %d", c.want, c.calls, both.String(), e.calls)
				}
			})
		})
	}
}

func TestFollowerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewPrinter(&scripted{}, nil, nil, zerolog.Nop()).Follow(t.Context(), "rqd", Source{})
		synctest.Wait()
		if f.Ended() {
			t.Error("want it to follow, it has ended")
		}
		f.Close()
		f.Drain(t.Context())
		if !f.Ended() {
			t.Error("want it ended, it follows")
		}
	})
}

// marked tells the two streams apart.
type marked struct{ b *strings.Builder }

func (m marked) Write(p []byte) (int, error) { return m.b.WriteString("!" + string(p)) }
