package report

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/frame"
)

// Documents keeps what is owed. It models *journal.Dir.
type Documents interface {
	Put(name string, v any) error
	Delete(name string) error
	Load(take func(name string, raw []byte) error) (aside []error, err error)
}

// Completer takes completions. It models *Client.
type Completer interface {
	Complete(ctx context.Context, c frame.Completion, h frame.Host) error
}

// OutboxConfig is what NewOutbox needs. All fields are required.
type OutboxConfig struct {
	Documents Documents
	Cuebot    Completer
	Host      Host
	Log       zerolog.Logger
}

// Outbox owes completions to Cuebot until Cuebot has them: at least once, one document each.
// Its methods may be called from several goroutines.
//
// Delivery starts while the document is still being written. A death in between loses nothing:
// Add has not returned, so the frame's promise and its container are still there, and the next
// RQD finds the same end again. At worst Cuebot hears it twice, which it tolerates, and a launch
// of the frame drops what the next RQD found like anything else that is owed for it.
type Outbox struct {
	cfg   OutboxConfig
	wake  chan struct{} // Something may have become due.
	ended chan struct{} // Closed when Run returns.

	mu      sync.Mutex
	last    int64    // The newest sequence number.
	owed    []*entry // By sequence number: everything with a document, or about to have one.
	retries int      // Attempts under way that are not the first of this RQD's own.
}

// entry is one completion. The second half belongs to the outbox's lock.
type entry struct {
	seq        int64
	name       string
	completion frame.Completion
	written    chan struct{} // Closed when its writer is done, whatever came of it.
	over       chan struct{} // Closed when nothing is owed any more: delivered or dropped.

	isOver   bool
	fresh    bool // Of this RQD, and never tried.
	failures int
	due      time.Time
	attempt  chan struct{} // Closed when the attempt under way ends; nil when there is none.
	cancel   context.CancelFunc
}

// document is the file's content. A reader that does not know its version sets it aside.
type document struct {
	Version    int              `json:"version"`
	Completion frame.Completion `json:"completion"`
}

const documentVersion = 1

// NewOutbox makes an outbox with what earlier RQDs left to deliver; Run starts it. Documents
// that cannot be read stay on the disk under another name.
func NewOutbox(cfg OutboxConfig) (*Outbox, error) {
	o := &Outbox{cfg: cfg, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	aside, err := cfg.Documents.Load(o.restore)
	if err != nil {
		return nil, fmt.Errorf("load outbox: %w", err)
	}
	for _, a := range aside {
		cfg.Log.Error().Err(a).Msg("completion unreadable")
	}
	slices.SortFunc(o.owed, func(a, b *entry) int { return cmp.Compare(a.seq, b.seq) })
	if len(o.owed) > 0 {
		cfg.Log.Info().Int("completions", len(o.owed)).Msg("undelivered completions found")
	}
	return o, nil
}

func (o *Outbox) restore(name string, raw []byte) error {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	if d.Version != documentVersion {
		return fmt.Errorf("version %d, want %d", d.Version, documentVersion)
	}
	if d.Completion.Running.Frame.ID == "" {
		return errors.New("completion without frame_id")
	}
	var seq int64
	if _, err := fmt.Sscanf(name, "%d", &seq); err != nil {
		return fmt.Errorf("name is not a number: %w", err)
	}
	e := newEntry(seq, d.Completion)
	e.name = name
	close(e.written)
	o.owed = append(o.owed, e)
	o.last = max(o.last, seq)
	return nil
}

func newEntry(seq int64, c frame.Completion) *entry {
	return &entry{
		seq:        seq,
		name:       fmt.Sprintf("%020d", seq),
		completion: c,
		written:    make(chan struct{}),
		over:       make(chan struct{}),
		due:        time.Now(),
	}
}

func (e *entry) frameID() string { return e.completion.Running.Frame.ID }

// end says that nothing is owed. The caller holds the outbox's lock.
func (e *entry) end() {
	if !e.isOver {
		e.isOver = true
		close(e.over)
	}
}

// Pending is how many completions Cuebot has not confirmed.
func (o *Outbox) Pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, e := range o.owed {
		if !e.isOver {
			n++
		}
	}
	return n
}
