package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options say how much is measured.
type options struct {
	binary     string // rqdcore.
	supervisor string
	image      string // Of the frames.
	venv       string // Of the Python RQD; empty leaves it out.
	out        string // Directory for the results; empty writes none.
	only       []string
	redraw     bool // Measure nothing.

	rounds     int // Of what takes a tenth of a second.
	longRounds int // Of what takes seconds.
	streams    int // Rounds of a stream.
	frames     int // In a stream.
	atOnce     []int
	logBytes   int64
	levels     []int // Numbers of running frames.
	watch      time.Duration
	settle     time.Duration
	adopted    int
}

// full is what make bench measures, quick what make bench-quick does.
func full() options {
	return options{
		rounds: 25, longRounds: 3, streams: 2, frames: 200, atOnce: []int{1, 2, 4, 8}, logBytes: 200_000_000,
		levels: []int{0, 20, 100, 200}, watch: time.Minute, settle: 5 * time.Second, adopted: 50,
	}
}

func quick() options {
	return options{
		rounds: 3, longRounds: 1, streams: 1, frames: 20, atOnce: []int{4}, logBytes: 20_000_000,
		levels: []int{0, 10}, watch: 5 * time.Second, settle: time.Second, adopted: 5,
		only: []string{"latency", "exit", "supervisor", "images", "adoption", "running", "throughput", "log"}, // A Swarm takes a minute.
	}
}

// measurement is one part of the program.
type measurement struct {
	name string
	run  func(*world, context.Context) ([]Figure, error)
}

// program is everything; what takes long comes late.
func program() []measurement {
	return []measurement{
		{"latency", (*world).latency},
		{"exit", (*world).exits},
		{"supervisor", (*world).supervisors},
		{"updates", (*world).updates},
		{"images", (*world).images},
		{"adoption", (*world).adoption},
		{"running", (*world).running},
		{"throughput", (*world).throughput},
		{"log", (*world).logs},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	switch {
	case err != nil:
	case o.redraw:
		err = redraw(o.out)
	default:
		err = measure(ctx, o)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1) //nolint:gocritic // Nothing is lost with the signals' handler.
	}
}

func parse(args []string) (options, error) {
	o := full()
	if slices.Contains(args, "-quick") {
		o = quick()
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Bool("quick", false, "a smoke test of this program in about a minute; its figures mean nothing")
	flags.StringVar(&o.binary, "rqdcore", "bin/rqdcore", "the RQD to measure")
	flags.StringVar(&o.supervisor, "supervisor", "bin/supervisor", "the supervisor to measure")
	flags.StringVar(&o.image, "image", "rqd-frame-debian12:dev", "the frames' image: Debian 12, or one with the same programs")
	flags.StringVar(&o.venv, "venv", "", "directory for the Python RQD's environment; without it, it is left out")
	flags.StringVar(&o.out, "out", "", "directory for the results in JSON and Markdown and the picture")
	flags.BoolVar(&o.redraw, "redraw", false, "write the table and the picture of -out's results.json again, and measure nothing")
	flags.IntVar(&o.rounds, "rounds", o.rounds, "rounds of short measurements")
	flags.IntVar(&o.longRounds, "long-rounds", o.longRounds, "rounds of long measurements")
	flags.IntVar(&o.streams, "streams", o.streams, "rounds of the frames per second")
	flags.DurationVar(&o.watch, "watch", o.watch, "how long running frames are looked at")
	flags.Func("levels", "numbers of running frames, separated by commas", func(text string) (err error) {
		o.levels, err = numbers(text)
		return err
	})
	flags.Func("at-once", "concurrencies to try, separated by commas", func(text string) (err error) {
		o.atOnce, err = numbers(text)
		return err
	})
	only := flags.String("only", "", "measurements to make, separated by commas; all without")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if *only != "" { // Else what quick leaves out stays out.
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(program(), func(m measurement) bool { return m.name == name }) {
			return options{}, fmt.Errorf("-only %s: there is no such measurement", name)
		}
	}
	return o, nil
}

func numbers(text string) ([]int, error) {
	var list []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

// measure runs the program. What failed is the error; what was measured until then is in the results.
func measure(ctx context.Context, o options) error {
	w, err := open(ctx, o)
	if err != nil {
		return err
	}
	r := w.newResults(ctx)
	var errs []error
	for _, m := range program() {
		if len(o.only) > 0 && !slices.Contains(o.only, m.name) || ctx.Err() != nil {
			continue
		}
		progress("%s", m.name)
		figures, err := m.run(w, ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
			progress("%s failed: %v", m.name, err)
		}
		r.Figures, r.Notes, r.LoadEnd = append(r.Figures, figures...), w.notes, firstLine("/proc/loadavg")
		errs = append(errs, r.write(o.out)) // Now: the next one may take minutes.
	}
	r.print(os.Stdout)
	return errors.Join(append(errs, ctx.Err(), w.close(ctx))...)
}

// progress is for the person who waits.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+time.Now().Format("15:04:05 ")+format+"\n", args...)
}
