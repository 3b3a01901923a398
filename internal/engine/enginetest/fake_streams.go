package enginetest

import (
	"context"
	"fmt"
	"maps"
	"path"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// CopyTo implements Streams.
func (f *Fake) CopyTo(ctx context.Context, id string, files []engine.File) (err error) {
	leave, err := f.enter(ctx, "CopyTo", id)
	defer leave(&err)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !path.IsAbs(file.Path) || strings.HasSuffix(file.Path, "/") {
			return fmt.Errorf("copy into container: path %q: must be the absolute path of a file: %w", file.Path, engine.ErrInvalid)
		}
	}
	c, err := f.find(id)
	if err != nil {
		return err
	}
	for _, file := range files {
		c.files[path.Clean(file.Path)] = file
	}
	return nil
}

// Logs implements Streams.
func (f *Fake) Logs(ctx context.Context, id string, o engine.LogOptions, deliver func(engine.LogLine) error) (err error) {
	leave, err := f.enter(ctx, "Logs", id)
	defer leave(&err)
	if err != nil {
		return err
	}
	c, err := f.find(id)
	if err != nil {
		return err
	}
	r := logReader{options: o, cursor: o.Cursor, deliver: deliver}
	if r.cursor == nil {
		r.cursor = &engine.LogCursor{}
	}
	if resumed := r.cursor.Newest(); resumed.IsZero() && o.Tail > 0 {
		r.next = max(0, len(c.lines)-o.Tail)
	}
	for {
		if err := f.readLog(c, &r); err != nil {
			return err
		}
		switch {
		case f.down:
			return fmt.Errorf("read logs: fake engine went down: %w", engine.ErrUnavailable)
		case !o.Follow || c.State != engine.StateRunning:
			return nil
		}
		changed := c.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		f.mu.Lock()
		if ctx.Err() != nil {
			return fmt.Errorf("read logs: %w", ctx.Err())
		}
	}
}

// logReader is one Logs call's place in a log.
type logReader struct {
	options engine.LogOptions
	cursor  *engine.LogCursor
	deliver func(engine.LogLine) error
	next    int
}

// readLog delivers what is there, unlocked while the caller's function runs.
func (f *Fake) readLog(c *container, r *logReader) error {
	for ; r.next < len(c.lines); r.next++ {
		line := c.lines[r.next]
		if line.unterminated && c.State == engine.StateRunning {
			return nil
		}
		if line.Time.Before(r.options.Since) || !r.cursor.Take(line.LogLine) {
			continue
		}
		f.mu.Unlock()
		err := r.deliver(line.LogLine)
		f.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// subscription is one caller of Events.
type subscription struct {
	labels map[string]string
	events chan engine.Event
	failed chan error
}

// Events implements Streams.
func (f *Fake) Events(ctx context.Context, labels map[string]string) (<-chan engine.Event, <-chan error) {
	s := &subscription{labels: maps.Clone(labels), events: make(chan engine.Event, 256), failed: make(chan error, 1)}
	var err error
	leave, err := f.enter(ctx, "Events", "")
	defer leave(new(error))
	if err != nil {
		s.failed <- err
		close(s.events)
		return s.events, s.failed
	}
	f.subs[s] = struct{}{}
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.endSubscription(s, fmt.Errorf("follow events: %w", ctx.Err()))
	})
	return s.events, s.failed
}

// endSubscription closes a subscription, unless it is closed; the Fake is locked.
func (f *Fake) endSubscription(s *subscription, err error) {
	if _, live := f.subs[s]; !live {
		return
	}
	delete(f.subs, s)
	s.failed <- err
	close(s.events)
}

// emit tells subscribers what happened to c; the Fake is locked.
func (f *Fake) emit(c *container, action string) {
	e := engine.Event{ID: c.ID, Name: c.Name, Action: action, Labels: maps.Clone(c.Labels), Time: time.Now()}
	for s := range f.subs {
		free := cap(s.events) - len(s.events)
		switch {
		case !matches(c.Labels, s.labels) || free == 0:
		case free == 1:
			s.events <- engine.Event{Action: engine.ActionMissed}
		default:
			s.events <- e
		}
	}
}
