// Command supervisor is the Swarm task, or the compose service, that owns the one RQD container of a node.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/oklog/run"

	"rqdswarm/internal/actor"
	"rqdswarm/internal/logging"
	"rqdswarm/supervisor/granted"
	"rqdswarm/supervisor/health"
)

// What the process exits with, when not with RQD's own code.
const (
	exitFailed = 1
	exitConfig = 2
)

func main() { os.Exit(program(os.Args[1:], os.Stdout, os.Stderr)) }

// program picks the sub-command and turns its outcome into an exit code.
func program(args []string, stdout, stderr io.Writer) int {
	ctx := context.Background()
	command := "run"
	if len(args) > 0 {
		command = args[0]
	}
	var code int
	var err error
	switch command {
	case "run":
		code, err = supervise(ctx, stdout, stderr)
	case "health":
		code, err = askHealth(ctx, stdout)
	case "doctor":
		code, err = examine(ctx, stdout)
	case "remove":
		code, err = remove(ctx, stdout)
	case granted.Command:
		err = granted.Print(stdout, "/", os.Getppid())
	case "version", "--version":
		printVersion(stdout)
	case "help", "--help", "-h":
		printHelp(stdout)
	default:
		err = &configError{fmt.Errorf("unknown command %q: want run, health, doctor, remove, capabilities, version or help", command)}
	}
	return exitCode(code, err, stderr)
}

// exitCode is the one place that maps errors; it prints them, a line each.
func exitCode(code int, err error, stderr io.Writer) int {
	if err == nil {
		return code
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(stderr, "supervisor: %s\n", strings.TrimSuffix(line, "\n"))
	}
	var bad *configError
	if errors.As(err, &bad) {
		return exitConfig
	}
	return exitFailed
}

// supervise is the default command: it looks after RQD until one of them ends.
func supervise(ctx context.Context, stdout, stderr io.Writer) (int, error) {
	cfg, err := loadConfig(os.Environ())
	if err != nil {
		return 0, &configError{err}
	}
	log, err := logging.New(stderr, cfg.LogLevel, cfg.LogFormat)
	if err != nil {
		return 0, &configError{err}
	}
	client, err := dial(ctx)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	return serve(ctx, cfg, dependencies{
		Engine: client, Process: thisProcess(), EngineAddress: client.Host(), Environ: os.Environ(),
		Stdout: stdout, Stderr: stderr, Signals: actor.Signals, Listen: health.Listen, Log: log,
	})
}

// serve runs the parts as one group: the first that ends takes the others along.
func serve(ctx context.Context, cfg config, d dependencies) (code int, err error) {
	s, err := assemble(ctx, cfg, d)
	if err != nil {
		return 0, err
	}
	var g run.Group
	{ // Signals reach the loop until the very end: the second one may be urgent.
		execute, interrupt, stop := d.Signals(func(sig os.Signal) error { s.loop.Signal(sig); return nil })
		defer stop()
		g.Add(execute, interrupt)
	}
	{ // The loop owns RQD. Its end is the supervisor's.
		g.Add(actor.Func(ctx, func(ctx context.Context) (err error) {
			code, err = s.loop.Run(ctx)
			return err
		}))
	}
	{ // The monitor watches RQD's health.
		g.Add(actor.Func(ctx, s.monitor.Run))
	}
	{ // The health check of our own image asks here.
		g.Add(actor.Func(ctx, func(ctx context.Context) error { return s.monitor.Serve(ctx, s.listener) }))
	}
	err = g.Run()
	return code, err
}
