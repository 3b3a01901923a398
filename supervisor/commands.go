package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"text/tabwriter"

	"github.com/kelseyhightower/envconfig"
	"github.com/rs/zerolog"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/doctor"
	"rqdswarm/supervisor/health"
	"rqdswarm/supervisor/swarm"
)

// askHealth is the image's HEALTHCHECK: it prints the verdict and fails unless it is healthy.
func askHealth(ctx context.Context, stdout io.Writer) (int, error) {
	var s settings
	if err := envconfig.Process("", &s); err != nil {
		return 0, &configError{err}
	}
	line, ok, err := health.Ask(ctx, withDefaults(s).HealthSocket)
	if err != nil {
		return 0, err
	}
	fmt.Fprintln(stdout, line)
	if !ok {
		return exitFailed, nil
	}
	return 0, nil
}

// examine is the doctor: a table of what is, and what to do about it. It fails when RQD cannot run here, or not right.
func examine(ctx context.Context, stdout io.Writer) (int, error) {
	cfg, err := loadConfig(os.Environ())
	if err != nil {
		return 0, &configError{err}
	}
	client, err := dial(ctx)
	if err != nil {
		doctor.Print(stdout, []doctor.Finding{doctor.NoEngine(err)})
		return exitFailed, nil
	}
	defer client.Close()
	d := dependencies{Engine: client, Process: thisProcess(), EngineAddress: client.Host(), Environ: os.Environ(), Log: zerolog.Nop()}
	p, err := locate(ctx, cfg, d)
	if err != nil {
		return 0, err
	}
	findings := doctor.Examine(ctx, doctor.Patient{
		Engine: client, Self: p.self, Name: cfg.Name, Spec: p.spec, Root: d.Process.Root,
		Addresses: health.Addresses(p.spec, health.Hosts(d.Process.Root)),
		Resolve:   newPlanner(cfg, d, p, d.Log).puller.Resolve,
		Preflight: func(ctx context.Context, s engine.Spec) (lost []string, err error) {
			_, err = newHost(client, p.self, func(l string) { lost = append(lost, l) }).Preflight(ctx, s)
			return lost, err
		},
		Supervised: swarm.NewPeers(client, p.self, cfg.Name).Alive,
		Warnings:   slices.Concat(cfg.graceWarnings(), cfg.stopWarnings(p)),
	})
	if !doctor.Print(stdout, findings) {
		return exitFailed, nil
	}
	return 0, nil
}

func printVersion(stdout io.Writer) { fmt.Fprintln(stdout, buildinfo.Version) }

// printHelp lists the commands and the environment.
func printHelp(stdout io.Writer) {
	fmt.Fprintf(stdout, `%s looks after the one RQD container of a node.

Commands:
  run      look after RQD (the default)
  health   print the health of the running supervisor and fail unless it is healthy
  doctor   examine this node: engine, rights, image, credentials, port, clock, space
  remove   stop and remove an RQD that its supervisor has left behind
  capabilities  print the capabilities of what started this container; the supervisor asks a new host so
  version  print the version
  help     print this

Environment:
`, os.Args[0])
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	t := reflect.TypeFor[settings]()
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		fmt.Fprintf(w, "  %s\t%s\t%s\n", tag.Get("envconfig"), tag.Get("default"), tag.Get("desc"))
	}
	_ = w.Flush()
}
