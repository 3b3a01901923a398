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

// sorted counts the frames that succeeded and those that were killed, and returns the others in
// the order of their names.
func sorted(final []farm.Event) (done, killed int, failed []farm.Event) {
	for _, e := range final {
		switch e.Kind {
		case farm.EventDone:
			done++
		case farm.EventKilled:
			killed++
		default:
			failed = append(failed, e)
		}
	}
	slices.SortFunc(failed, func(a, b farm.Event) int { return strings.Compare(a.Frame, b.Frame) })
	return done, killed, failed
}
