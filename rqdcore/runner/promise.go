package runner

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rqdswarm/rqdcore/frame"
)

// promiseVersion is the journal document's format. A newer one is set aside, never guessed at.
const promiseVersion = 1

// Promise is what RQD owes Cuebot from the OK to LaunchFrame until the completion is in the
// outbox. It is the journal's document: all that another RQD needs to take the frame over.
type Promise struct {
	Version     int               `json:"version"`
	Frame       frame.Frame       `json:"frame"`
	Reservation frame.Reservation `json:"reservation"`
	Token       string            `json:"token"`     // The frame's secret with frameinit.
	Container   string            `json:"container"` // Name; unique for this run of the frame.
	Accepted    time.Time         `json:"accepted"`
	KillMessage string            `json:"kill_message,omitempty"`
	Killed      bool              `json:"killed,omitempty"`
	Recovered   bool              `json:"recovered,omitempty"` // From the container's labels: there is no command to order.
}

// NewPromise accepts f on the terms of r.
func NewPromise(f frame.Frame, r frame.Reservation, now time.Time) Promise {
	token := make([]byte, 16)
	_, _ = rand.Read(token) // Never fails on Linux.
	secret := hex.EncodeToString(token)
	return Promise{
		Version: promiseVersion, Frame: f, Reservation: r, Token: secret, Accepted: now,
		// The tail of the token tells two runs of one frame apart; it is too short to guess the rest from.
		Container: "rqd-frame-" + nameable(f.Name) + "-" + secret[len(secret)-8:],
	}
}

// ParsePromise reads a journal document.
func ParsePromise(raw []byte) (Promise, error) {
	var p Promise
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("decode promise: %w", err)
	}
	if p.Version != promiseVersion {
		return p, fmt.Errorf("promise has version %d, this RQD reads %d", p.Version, promiseVersion)
	}
	if p.Frame.ID == "" || p.Container == "" || p.Token == "" {
		return p, fmt.Errorf("promise of frame %q lacks its id, container or token", p.Frame.ID)
	}
	return p, nil
}

// nameable makes any text fit for a container name, [a-zA-Z0-9_.-], and short enough to read in `docker ps`.
func nameable(s string) string {
	const most = 40
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			return r
		}
		return '_'
	}, s)
	return clean[:min(len(clean), most)]
}
