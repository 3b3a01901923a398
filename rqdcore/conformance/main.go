// Command conformance plays Cuebot and holds an RQD to what Cuebot, its tools and its users rely on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rqdswarm/rqdcore/conformance/suite"
)

const usage = `usage: conformance --self bin/rqdcore [flags]
       conformance --rqd HOST:PORT --listen :8443 --log-dir DIR --os KEY [flags]

The first form starts an rqdcore for every check, on this machine's engine. The second tries an RQD that
runs already and reports to this machine. Checks that need to start and end it are skipped, unless:

  --start CMD   starts it with the configuration file $RQD_CONFIG_FILE, and returns
  --stop CMD    ends it with SIGTERM, and returns when it has ended
  --kill CMD    ends it with SIGKILL, and returns when it has ended

The exit status is 0 when nothing failed, 1 when something did, 2 for a wrong command line.

flags:
`

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage is a command line that says nothing that can be done.
var errUsage = errors.New("wrong command line")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	passed, err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "conformance: %v\n", err)
		os.Exit(exitUsage)
	case err != nil:
		fmt.Fprintf(os.Stderr, "conformance: %v\n", err)
		os.Exit(exitFailed)
	case !passed:
		os.Exit(exitFailed)
	}
	os.Exit(exitOK)
}

// run makes the checks and says whether none failed.
func run(ctx context.Context, args []string, out io.Writer) (bool, error) {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	s, err := suite.New(ctx, o)
	if err != nil {
		return false, err
	}
	begin := time.Now()
	t := suite.Run(ctx, s, func(outcome suite.Outcome) { outcome.Print(out) })
	fmt.Fprintf(out, "%d checks in %v\n%s\n", t.All(), time.Since(begin).Round(time.Second), t)
	return t.Failed == 0, s.Close()
}

func parse(args []string, out io.Writer) (suite.Options, error) {
	var o suite.Options
	var images, systems, only string
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.Self, "self", "", "rqdcore binary to start for every check")
	flags.StringVar(&o.RQD, "rqd", "", "HOST:PORT of the RQD to try")
	flags.StringVar(&o.Listen, "listen", ":8443", "where that RQD finds Cuebot")
	flags.StringVar(&o.Start, "start", "", "command that starts it")
	flags.StringVar(&o.Stop, "stop", "", "command that ends it with SIGTERM")
	flags.StringVar(&o.Kill, "kill", "", "command that ends it with SIGKILL")
	flags.StringVar(&o.Name, "name", "localhost", "host name that it is started with")
	flags.StringVar(&o.LogDir, "log-dir", "/tmp", "directory that RQD and its frames see under the same path")
	flags.StringVar(&systems, "os", "busybox", "its systems as in [docker.images], separated by commas")
	flags.StringVar(&images, "image", "rqd-frame-busybox:dev", "their images, separated by commas: with a shell and busybox's programs")
	flags.BoolVar(&o.Full, "full", false, "wait as long as the contract says, instead of shortened times: about half an hour")
	flags.IntVar(&o.Parallel, "parallel", 0, "how many checks run at once with --self; 0 is four for each processor")
	flags.StringVar(&only, "only", "", "numbers of the checks to make, separated by commas")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	if flags.NArg() > 0 || (o.Self == "") == (o.RQD == "") {
		return o, fmt.Errorf("%w: want either --self or --rqd, and nothing else (see --help)", errUsage)
	}
	if o.Listen[0] == ':' {
		o.Listen = "0.0.0.0" + o.Listen
	}
	if err := readImages(&o, systems, images); err != nil {
		return o, err
	}
	return o, readOnly(&o, only)
}

func readImages(o *suite.Options, systems, images string) error {
	refs := strings.Split(images, ",")
	for i, key := range strings.Split(systems, ",") {
		if key == "" || i >= len(refs) && o.Start != "" {
			return fmt.Errorf("%w: --os %s and --image %s, want as many of the one as of the other", errUsage, systems, images)
		}
		o.Images = append(o.Images, suite.ImageKey{OS: key, Reference: refs[min(i, len(refs)-1)]})
	}
	return nil
}

func readOnly(o *suite.Options, only string) error {
	if only == "" {
		return nil
	}
	o.Only = make(map[int]bool)
	for field := range strings.SplitSeq(only, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > len(suite.Checks()) {
			return fmt.Errorf("%w: --only %s, want numbers from 1 to %d", errUsage, only, len(suite.Checks()))
		}
		o.Only[n] = true
	}
	return nil
}
