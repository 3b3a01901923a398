package reconcile

import (
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rqdswarm/internal/engine"
)

// signalTime bounds the forwarding of one signal.
const signalTime = 10 * time.Second

// echo is for how long after the first request to end another one says nothing new. Several senders are common:
// timeout(1) signals its child and then its process group, a terminal signals all of a group, a service manager all of
// a cgroup. Whoever is in a hurry asks again later than that.
const echo = time.Second

// take acts on a signal: two of them are about us, all others are RQD's.
func (l *Loop) take(ctx context.Context, s os.Signal) {
	switch {
	case s != syscall.SIGTERM && s != syscall.SIGINT:
		l.forward(ctx, s)
	case l.signalled.IsZero():
		l.signalled = time.Now()
		if l.ending == Staying {
			l.ending, l.asked = Gracefully, l.signalled
		}
		l.o.Log.Info().Stringer("signal", s).Stringer("grace", l.o.Grace).Msg("asked to end")
	case time.Since(l.signalled) < echo:
		l.o.Log.Debug().Stringer("signal", s).Msg("asked to end by several at once")
	default:
		l.ending = AtOnce
		l.o.Log.Warn().Stringer("signal", s).Msg("asked to end at once")
	}
}

// fail ends the supervisor because of err, as if it had been asked to.
func (l *Loop) fail(err error) {
	if l.ending != Staying {
		return
	}
	l.ending, l.asked, l.failure = Gracefully, time.Now(), err
	l.o.Log.Error().Err(err).Msg("rqd given up")
}

// forward hands a signal on to the RQD that we look after.
func (l *Loop) forward(ctx context.Context, s os.Signal) {
	name := signalName(s)
	if l.remembered.watched == "" {
		l.o.Log.Debug().Str("signal", name).Msg("no rqd to forward the signal to")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, signalTime)
	defer cancel()
	err := l.o.Engine.Signal(ctx, l.remembered.watched, name)
	switch {
	case errors.Is(err, engine.ErrConflict) || errors.Is(err, engine.ErrNotFound):
		l.o.Log.Debug().Err(err).Str("signal", name).Msg("rqd has ended before the signal")
	case err != nil:
		l.o.Log.Warn().Err(err).Str("signal", name).Msg("signal not forwarded")
	default:
		l.o.Log.Info().Str("signal", name).Msg("signal forwarded")
	}
}

// signalName is the name the engine knows a signal by; real-time signals have numbers.
func signalName(s os.Signal) string {
	n, ok := s.(syscall.Signal)
	if !ok {
		return s.String()
	}
	if name := unix.SignalName(n); name != "" {
		return name
	}
	return strconv.Itoa(int(n))
}
