package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"
)

// ActionMissed is the Action of an Event that stands for events the caller was too slow to take.
// It names no container: list everything.
const ActionMissed = "missed"

// eventBuffer is how many hints may wait for the caller before ActionMissed takes their place.
const eventBuffer = 256

// Events subscribes to what happens to containers that carry all the labels. It returns once the
// engine has confirmed, so that a List made afterwards misses nothing. When the subscription ends
// the events are closed and the error channel holds the one reason: ErrUnavailable when the engine
// went away, ctx's error when ctx ended. The caller subscribes again, and lists again.
//
// A slow caller never slows the engine, which would delay every container's events: what does not
// fit the buffer is dropped and one ActionMissed is delivered instead.
func (c *Client) Events(ctx context.Context, labels map[string]string) (<-chan Event, <-chan error) {
	f := labelFilter(labels)
	f.Add("type", string(events.ContainerEventType))
	// The engine answers before it subscribes; starting from now closes that gap.
	now := time.Now()
	since := fmt.Sprintf("%d.%09d", now.Unix(), now.Nanosecond())
	in, failed := c.api.Events(ctx, events.ListOptions{Since: since, Filters: f})

	out := make(chan Event, eventBuffer)
	errs := make(chan error, 1)
	go func() {
		defer close(out)
		errs <- endOfEvents(forwardEvents(out, in, failed))
	}()
	return out, errs
}

// forwardEvents moves events on without ever waiting for the reader of out, and returns the error
// that ended the subscription. The last free place of out is for ActionMissed: whoever reads that
// reads it after everything that was dropped had happened.
func forwardEvents(out chan Event, in <-chan events.Message, failed <-chan error) error {
	for {
		select {
		case err := <-failed:
			return err
		case m := <-in:
			switch free := cap(out) - len(out); {
			case isProbe(m) || free == 0:
			case free == 1:
				out <- Event{Action: ActionMissed}
			default:
				out <- fromEvent(m)
			}
		}
	}
}

// isProbe tells the three events of every health probe, which change nothing, from the rest.
func isProbe(m events.Message) bool {
	return strings.HasPrefix(string(m.Action), "exec_")
}

func endOfEvents(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return classify("follow events", err)
}

// fromEvent takes the attributes apart: the engine mixes a container's labels with its own words.
func fromEvent(m events.Message) Event {
	labels := maps.Clone(m.Actor.Attributes)
	delete(labels, "name")
	delete(labels, "image")
	return Event{
		ID:     m.Actor.ID,
		Name:   m.Actor.Attributes["name"],
		Action: string(m.Action),
		Labels: labels,
		Time:   time.Unix(0, m.TimeNano),
	}
}
