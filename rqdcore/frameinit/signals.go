package main

import (
	"os"
	"os/signal"
	"syscall"
)

// catchSignals tells of the signals that end a frame. All the others are caught to be passed
// over: several of them end a Go program, and the artist's own processes can send them.
func catchSignals(events chan<- event) {
	var all []os.Signal
	for n := syscall.Signal(1); n < 32; n++ {
		switch n {
		case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGCHLD, syscall.SIGURG: // SIGURG is the runtime's own.
		default:
			all = append(all, n)
		}
	}
	got := make(chan os.Signal, 16)
	signal.Notify(got, all...)
	go func() {
		for s := range got {
			if s == syscall.SIGTERM || s == syscall.SIGINT {
				events <- signalled{signal: s.(syscall.Signal)}
			}
		}
	}()
}
