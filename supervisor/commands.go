package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"text/tabwriter"

	"github.com/kelseyhightower/envconfig"

	"rqdswarm/internal/buildinfo"
	"rqdswarm/supervisor/health"
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

func printVersion(stdout io.Writer) { fmt.Fprintln(stdout, buildinfo.Version) }

// printHelp lists the commands and the environment.
func printHelp(stdout io.Writer) {
	fmt.Fprintf(stdout, `%s looks after the one RQD container of a node.

Commands:
  run      look after RQD (the default)
  health   print the health of the running supervisor and fail unless it is healthy
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
