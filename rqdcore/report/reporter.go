package report

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/logging"
	"rqdswarm/rqdcore/frame"
)

// LongestGap is the most that may lie between two reports that Cuebot gets: maxGap, and one that hangs for its deadline.
// Cuebot calls a host down after 300 s of silence, CueNIMBY warns after 60 s.
const LongestGap = maxGap + statusDeadline

const (
	bootRetryMin = time.Second
	bootRetryMax = 15 * time.Second
	// soonGap follows the boot and every report that was asked for.
	soonGap = 5 * time.Second
	minGap  = 5 * time.Second
	maxGap  = 30 * time.Second
	// dueSoon is when a frame's end need not ask for a report of its own.
	dueSoon = 10 * time.Second
	// pokeGap bounds what storms of pokes can send.
	pokeGap = time.Second
)

// Host tells what a report says. It models *host.Host.
type Host interface {
	Report() frame.HostReport
}

// Cuebot takes boot and host reports. It models *Client.
type Cuebot interface {
	Boot(ctx context.Context, r frame.HostReport) error
	Status(ctx context.Context, r frame.HostReport) error
}

// Reporter keeps Cuebot informed of the host. Make it with NewReporter.
type Reporter struct {
	host   Host
	cuebot Cuebot
	log    zerolog.Logger
	now    chan struct{} // A report is wanted now.
	soon   chan struct{} // A report is wanted unless one is due soon.
}

// NewReporter makes a reporter; Run starts it.
func NewReporter(host Host, cuebot Cuebot, log zerolog.Logger) *Reporter {
	return &Reporter{
		host:   host,
		cuebot: cuebot,
		log:    log,
		now:    make(chan struct{}, 1),
		soon:   make(chan struct{}, 1),
	}
}

// Poke asks for a report at once: something changed that Cuebot's people wait for, such as a
// lock. It never blocks; pokes that come together are one report, and none is sent before the boot report.
func (r *Reporter) Poke() { signal(r.now) }

// FrameEnded asks for a report unless one is due within 10 s: many frames may end together.
// It never blocks.
func (r *Reporter) FrameEnded() { signal(r.soon) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // One is pending already.
	}
}

// Run announces the host, for as long as it takes, then reports until ctx ends. It returns nil.
func (r *Reporter) Run(ctx context.Context) error {
	if !r.boot(ctx) {
		return nil
	}
	logging.Mark(r.log, "RQD Started")
	trouble := outage{log: r.log}
	next := schedule{sent: time.Now(), due: time.Now().Add(soonGap)}
	timer := time.NewTimer(soonGap)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.now:
			next.hurry(time.Now())
			timer.Reset(time.Until(next.due))
		case <-r.soon:
			if time.Until(next.due) > dueSoon {
				next.hurry(time.Now())
				timer.Reset(time.Until(next.due))
			}
		case <-timer.C:
			// The next one is due before this one is built: a slow Cuebot does not stretch the gaps.
			next.send(time.Now())
			timer.Reset(time.Until(next.due))
			trouble.note(ctx, r.cuebot.Status(ctx, r.host.Report()))
		}
	}
}

// boot sends the boot report until Cuebot takes it; it is false when ctx ended first. Every
// failure is tried again: a Cuebot that starts up answers all kinds of errors.
func (r *Reporter) boot(ctx context.Context) bool {
	for wait := bootRetryMin; ; wait = min(2*wait, bootRetryMax) {
		r.forget()
		err := r.cuebot.Boot(ctx, r.host.Report())
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.log.Warn().Err(err).Dur("retry_in", wait).Msg("boot report failed")
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}

// forget drops pokes that the report about to be built answers.
func (r *Reporter) forget() {
	for _, c := range []chan struct{}{r.now, r.soon} {
		select {
		case <-c:
		default:
		}
	}
}

// schedule is when the last report was sent and the next one is due.
type schedule struct {
	sent, due time.Time
	asked     bool // The next one was asked for.
}

// hurry makes the next report due at once, or at the end of pokeGap.
func (s *schedule) hurry(now time.Time) {
	s.asked = true
	earliest := s.sent.Add(pokeGap)
	if earliest.Before(now) {
		earliest = now
	}
	if earliest.Before(s.due) {
		s.due = earliest
	}
}

// send accounts for a report and spreads the next one, so that the hosts of a farm that booted together do not report together.
func (s *schedule) send(now time.Time) {
	gap := minGap + rand.N(maxGap-minGap+1)
	if s.asked {
		gap = soonGap
	}
	*s = schedule{sent: now, due: now.Add(gap)}
}

// outage logs the first failure of a row and its end.
type outage struct {
	log    zerolog.Logger
	failed int
	since  time.Time
}

func (o *outage) note(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil: // Cut off by our own end.
	case err == nil && o.failed > 0:
		o.log.Info().Int("lost", o.failed).Dur("after", time.Since(o.since)).Msg("host reports taken again")
		o.failed = 0
	case err == nil:
	case o.failed == 0:
		o.failed, o.since = 1, time.Now()
		o.log.Warn().Err(err).Msg("host report failed")
	default:
		o.failed++
		o.log.Debug().Err(err).Int("failed", o.failed).Msg("host report failed")
	}
}
