package farm

import (
	"fmt"
	"time"
)

const (
	verifyGrace   = 120 * time.Second // A frame so young may be listed without a booking.
	killWindow    = 3 * time.Minute   // The count of kills is forgotten after so long without one.
	killsInWindow = 3
)

type killKey struct{ host, frame string }

type killCount struct {
	n    int
	last time.Time
}

// verify compares a listed frame with what is booked. It returns false when Cuebot would
// stop working on the report there.
func (f *Farm) verify(h *host, seen Running) (kill *Kill, problem string, ok bool) {
	p, fr := f.procs[seen.ResourceID], f.frames[seen.FrameID]
	if p != nil && p.frame != nil && p.frame == fr {
		f.measure(p, seen)
		return f.overdue(h, fr), "", true
	}
	age := f.cfg.Now().Sub(time.UnixMilli(seen.StartTime))
	running := fr != nil && fr.state == InFlight
	switch {
	case p != nil && running, p == nil && running && age >= verifyGrace:
		why := fmt.Sprintf("frame %s is not booked on resource %s: it runs elsewhere or was given up", seen.Name, seen.ResourceID)
		return f.limited(Kill{Host: h.name, FrameID: fr.id, Frame: fr.name, Why: Fencing, Message: killMessage(fr, h.name, "failed to be verified")}), why, true
	case fr == nil && p == nil && age < verifyGrace:
		return nil, fmt.Sprintf("frame %s (%s) is unknown: Cuebot stops reading this report here", seen.Name, seen.FrameID), false
	}
	return nil, "", true
}

// measure stores the figures of a verified frame.
func (f *Farm) measure(p *proc, seen Running) {
	p.pinged = f.cfg.Now()
	fr := p.frame
	fr.rss, fr.maxRSS, fr.updated = seen.RSS, max(fr.maxRSS, seen.MaxRSS), seen.LogUpdated
	fr.job.maxRSS = max(fr.job.maxRSS, seen.MaxRSS)
	f.announce(fr)
}

// overdue is the kill of a frame that runs, or whose log is silent, longer than its layer allows.
// Cuebot compares whole minutes.
func (f *Farm) overdue(h *host, fr *frame) *Kill {
	j, now := fr.job.spec, f.cfg.Now()
	ran := int(now.Sub(fr.started) / time.Minute)
	silent := 0
	if fr.updated > 0 {
		silent = int(now.Sub(time.Unix(fr.updated, 0)) / time.Minute)
	}
	var reason string
	switch {
	case j.Timeout > 0 && ran > j.Timeout:
		reason = "the layer's time is up"
	case j.LogTimeout > 0 && silent >= j.LogTimeout:
		reason = "the log is silent for too long"
	default:
		return nil
	}
	return f.limited(Kill{Host: h.name, FrameID: fr.id, Frame: fr.name, Why: Timeout, Message: killMessage(fr, h.name, reason)})
}

// limited is the kill, or nil when this host was asked often enough: Cuebot asks three times.
func (f *Farm) limited(k Kill) *Kill {
	key, now := killKey{k.Host, k.FrameID}, f.cfg.Now()
	for old, c := range f.kills {
		if now.Sub(c.last) > killWindow {
			delete(f.kills, old)
		}
	}
	c := f.kills[key]
	if c.n >= killsInWindow {
		return nil
	}
	f.kills[key] = killCount{n: c.n + 1, last: now}
	return &k
}
