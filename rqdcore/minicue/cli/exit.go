package cli

import (
	"os"
	"slices"
	"strings"
	"syscall"

	"rqdswarm/rqdcore/minicue/farm"
)

// exitCode is the exit status that a shell would give for the frame's end; 0 for success.
func exitCode(e farm.Event) int {
	const lastSignal = 64
	switch {
	case e.Kind == farm.EventDone:
		return 0
	case e.Signal > 0 && e.Signal <= lastSignal:
		return 128 + int(e.Signal)
	case e.Status >= 1 && e.Status <= 255:
		return int(e.Status)
	case e.Kind == farm.EventKilled:
		return 128 + int(syscall.SIGKILL)
	default:
		return exitFailed
	}
}

func signalNumber(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return int(n)
	}
	return int(syscall.SIGINT)
}

// failures are the frames that did not succeed, in the order of their names.
func failures(final []farm.Event) []farm.Event {
	bad := slices.DeleteFunc(slices.Clone(final), func(e farm.Event) bool { return e.Kind == farm.EventDone })
	slices.SortFunc(bad, func(a, b farm.Event) int { return strings.Compare(a.Frame, b.Frame) })
	return bad
}
