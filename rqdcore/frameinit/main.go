package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"rqdswarm/internal/wire"
)

// exitLaunch is frameinit's own exit code when the command could not be started, or was never ordered.
const exitLaunch = 125

func main() {
	// There are as many frameinits on a host as frames: small comes first. One processor is as
	// fast, since reader and writer are in system calls most of the time. The heap is collected
	// from 800 kB on, not 4 MB: a start takes 200 kB, and what the collector needs itself is saved.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(20)
	os.Exit(run(os.Args, os.Getenv(wire.TokenEnv)))
}

func run(args []string, token string) int {
	if token == "" {
		fmt.Printf("frameinit: %s is not set: RQD starts this program in a frame's container, people do not\n", wire.TokenEnv)
		return exitLaunch
	}
	w, err := newWorld(token, socketPath(args))
	if err != nil {
		fmt.Printf("frameinit: %v\n", err)
		return exitLaunch
	}
	return newFrame(w, w.meter, w.events).run()
}

// socketPath is next to the program itself: both are in the volume that RQD mounts into the frame.
func socketPath(args []string) string {
	dir := wire.MountPoint
	if len(args) > 0 && filepath.IsAbs(args[0]) {
		dir = filepath.Dir(args[0])
	}
	return filepath.Join(dir, wire.SocketName)
}
