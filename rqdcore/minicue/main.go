// Command minicue is a small Cuebot in memory: to try RQD out, and to test it. Towards RQD
// it speaks OpenCue's own protocol on OpenCue's own ports.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"rqdswarm/rqdcore/minicue/cli"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(cli.Main(cli.Env{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals}))
}
