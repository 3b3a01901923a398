package farm

import (
	"errors"
	"fmt"
	"time"
)

// Errors that a caller may want to tell apart.
var (
	// ErrUnknown is a host, job or frame that the farm does not have.
	ErrUnknown = errors.New("unknown")
	// ErrAmbiguous is a name that several frames have.
	ErrAmbiguous = errors.New("ambiguous")
)

// EventKind is what happened to a frame.
type EventKind string

// The kinds of events.
const (
	EventStarted EventKind = "started"
	EventRefused EventKind = "refused" // The host did not take the order; the frame waits again.
	EventDone    EventKind = "done"
	EventRetry   EventKind = "retry" // The run failed, the frame waits again.
	EventFailed  EventKind = "failed"
	EventLost    EventKind = "lost" // Its host lost it; the frame waits again.
	EventKilled  EventKind = "killed"
)

// Event is one step in a frame's life.
type Event struct {
	Time    time.Time `json:"time"`
	Kind    EventKind `json:"event"`
	FrameID string    `json:"frame_id"`
	Frame   string    `json:"frame"`
	Host    string    `json:"host,omitempty"`
	Status  int32     `json:"exit_status"`
	Signal  int32     `json:"exit_signal"`
	Seconds float64   `json:"seconds"` // Of the run that ended, by the farm's own clock.
	MaxRSS  int64     `json:"max_rss,omitempty"`
	Text    string    `json:"text,omitempty"`
	Final   bool      `json:"final"` // The frame will not run again.
}

// EventPage is a part of a job's story.
type EventPage struct {
	Events  []Event `json:"events"`
	Next    int     `json:"next"`              // Where the next page begins.
	Over    bool    `json:"over"`              // All frames are final and these are the last events.
	Waiting string  `json:"waiting,omitempty"` // Why the frames that wait do so.
}

// keptEvents is how many events of a job stay readable: a frame that is tried for ever must not fill the memory.
const keptEvents = 100_000

// event adds to the story of the frame's job.
func (f *Farm) event(fr *frame, kind EventKind, text string) {
	e := Event{
		Time: f.cfg.Now(), Kind: kind, FrameID: fr.id, Frame: fr.name, Host: fr.host, Text: text,
		Status: fr.status, Signal: fr.signal, MaxRSS: fr.maxRSS, Final: fr.state.Final(),
	}
	switch kind {
	case EventStarted:
		e.Status, e.Signal, e.MaxRSS = 0, 0, 0
	case EventDone, EventRetry, EventFailed, EventKilled, EventLost:
		if !fr.ended.IsZero() {
			e.Seconds = fr.ended.Sub(fr.started).Seconds()
		}
	}
	j := fr.job
	if len(j.events) >= keptEvents {
		half := keptEvents / 2
		j.events = append([]Event(nil), j.events[half:]...)
		j.dropped += half
	}
	j.events = append(j.events, e)
}

// backToWaiting puts a frame that did not end by itself back, or ends it when a person wanted that.
func (f *Farm) backToWaiting(fr *frame, kind EventKind, text string) {
	fr.job.requeue(fr)
	if fr.state.Final() {
		kind = EventKilled
	}
	f.event(fr, kind, text)
}

// Events returns what happened to a job's frames from event number after on.
func (f *Farm) Events(jobID string, after int) (EventPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, err := f.job(jobID)
	if err != nil {
		return EventPage{}, err
	}
	from := min(max(after-j.dropped, 0), len(j.events))
	return EventPage{
		Events:  append([]Event{}, j.events[from:]...),
		Next:    j.dropped + len(j.events),
		Over:    j.open == 0,
		Waiting: f.whyWaiting(j),
	}, nil
}

func (f *Farm) job(id string) (*job, error) {
	for _, j := range f.jobs {
		if j.id == id || j.name == id && j.open > 0 {
			return j, nil
		}
	}
	return nil, fmt.Errorf("job %q: no such job: %w", id, ErrUnknown)
}

func (f *Farm) unknownHost(name string) error {
	return fmt.Errorf("host %q: no such host has reported: %w", name, ErrUnknown)
}
