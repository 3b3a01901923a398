package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// cursorSlack is how far behind its newest line a cursor asks the engine to start again: standard
// output and error are recorded by two writers, and their lines may be out of order by a moment.
const cursorSlack = time.Second

// Logs hands each line of the container's output to deliver, in the order of its log, and returns
// nil when there is no more: with Follow when the container has ended, else at the end of what is
// recorded. An error of deliver ends it and is returned as it is.
//
// Lines longer than 16 KiB, which the engine cuts, arrive whole, and each line once, even where
// engine 20.10 repeats some after rotating the file; what was rotated away before the engine read
// it is lost. A last line without its end is delivered if the container has ended, and kept back if
// the stream was cut.
func (c *Client) Logs(ctx context.Context, id string, o LogOptions, deliver func(LogLine) error) error {
	cursor := o.Cursor
	if cursor == nil {
		cursor = &LogCursor{}
	}
	body, err := c.api.ContainerLogs(ctx, id, logsRequest(o, cursor))
	if err != nil {
		return classify("read logs", err)
	}
	defer func() { _ = body.Close() }()

	out := &lineWriter{cursor: cursor, deliver: deliver}
	errOut := &lineWriter{cursor: cursor, deliver: deliver, stderr: true}
	_, err = stdcopy.StdCopy(out, errOut, body)
	var refused *deliverError
	switch {
	case errors.As(err, &refused):
		return refused.error
	case err != nil:
		return classify("read logs", err)
	case !out.pending() && !errOut.pending():
		return nil
	}
	return c.flushIfEnded(ctx, id, out, errOut)
}

// flushIfEnded delivers the unterminated last lines of a container that has ended. One that is gone
// has ended too.
func (c *Client) flushIfEnded(ctx context.Context, id string, writers ...*lineWriter) error {
	found, err := c.Inspect(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if found.State == StateRunning || found.State == StatePaused {
		return nil
	}
	for _, w := range writers {
		var refused *deliverError
		if err := w.flush(); errors.As(err, &refused) {
			return refused.error
		} else if err != nil {
			return err
		}
	}
	return nil
}

func logsRequest(o LogOptions, cursor *LogCursor) container.LogsOptions {
	r := container.LogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: o.Follow, Tail: "all"}
	if o.Tail > 0 {
		r.Tail = strconv.Itoa(o.Tail)
	}
	since := o.Since
	if newest := cursor.Newest(); !newest.IsZero() {
		since, r.Tail = newest.Add(-cursorSlack), "all"
	}
	if !since.IsZero() {
		r.Since = fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond())
	}
	return r
}
