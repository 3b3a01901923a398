// Command rqdcore is RQD, OpenCue's host daemon: it reports the machine to Cuebot and runs
// every frame in a container of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	_ "time/tzdata" // Frames' log prefixes are in RQD's zone, and its image has no files.

	_ "golang.org/x/crypto/x509roots/fallback" // For Loki and registries over TLS, in the same image.

	"rqdswarm/internal/buildinfo"
	"rqdswarm/rqdcore/config"
	"rqdswarm/rqdcore/rpc"
)

// Exit codes. A supervisor restarts RQD whatever the code is.
const (
	exitOK     = 0
	exitFailed = 1
	exitConfig = 2
)

// errUsage marks errors of the command line or the configuration.
var errUsage = errors.New("bad configuration")

func main() {
	err := dispatch(context.Background(), os.Args[1:], os.Environ(), os.Stdout)
	switch {
	case err == nil:
		os.Exit(exitOK)
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "rqdcore: %v\n", err)
		os.Exit(exitConfig)
	default:
		fmt.Fprintf(os.Stderr, "rqdcore: %v\n", err)
		os.Exit(exitFailed)
	}
}

func dispatch(ctx context.Context, args, environ []string, stdout io.Writer) error {
	cmd, err := parseCommand(args)
	if err != nil {
		return err
	}
	switch cmd.name {
	case "help":
		_, err := io.WriteString(stdout, usage)
		return err
	case "version":
		_, err := fmt.Fprintln(stdout, buildinfo.Version)
		return err
	}
	cfg, warnings, err := config.Load(config.Source{Path: cmd.config, Environ: environ})
	if err != nil {
		return fmt.Errorf("%w:\n%w", errUsage, err)
	}
	switch cmd.name {
	case "check":
		return check(cfg, warnings, stdout)
	case "health":
		return health(ctx, cfg)
	}
	return serve(ctx, cfg, append(cmd.warnings, texts(warnings)...), environ)
}

func check(cfg *config.Config, warnings []config.Warning, stdout io.Writer) error {
	for _, w := range warnings {
		fmt.Fprintf(stdout, "# warning: %s\n", w)
	}
	return cfg.Print(stdout)
}

// healthTime is below the timeout of the image's HEALTHCHECK, and generous: a busy host is no sick one.
const healthTime = 10 * time.Second

func health(ctx context.Context, cfg *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	addr, err := rpc.LocalAddress(endpoint(cfg))
	if err != nil {
		return err
	}
	return rpc.CheckHealth(ctx, addr)
}

func endpoint(cfg *config.Config) rpc.Endpoint {
	return rpc.Endpoint{Interface: cfg.NetworkInterface, IPv6: cfg.UseIPv6, Port: cfg.GRPCPort}
}

func texts(warnings []config.Warning) []string {
	out := make([]string, len(warnings))
	for i, w := range warnings {
		out[i] = w.String()
	}
	return out
}
