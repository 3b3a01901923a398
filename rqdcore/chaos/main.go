package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() { os.Exit(command()) }

// command returns the exit code.
func command() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := options{}
	flag.IntVar(&o.faults, "faults", 200, "how many `faults` to inject")
	flag.Uint64Var(&o.seed, "seed", 0, "`seed` of the schedule; 0 takes a new one")
	flag.IntVar(&o.slots, "frames-in-flight", 8, "how many `frames` run at once")
	flag.StringVar(&o.binary, "rqdcore", "bin/rqdcore", "`path` of the rqdcore to try; a static binary")
	flag.StringVar(&o.supervisor, "supervisor", "bin/supervisor", "`path` of the supervisor to try")
	flag.StringVar(&o.keep, "keep", "", "`directory` for the logs of a failed run")
	flag.Parse()
	if err := leaveNetwork(); err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
		return 1
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000 // #nosec G115 -- the clock is after 1970.
	}
	r, err := try(ctx, o, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
		return 1
	}
	if err := r.print(os.Stdout); err != nil || len(r.problems) > 0 {
		fmt.Fprintf(os.Stderr, "chaos: failed; again with: make chaos FAULTS=%d SEED=%d\n", o.faults, o.seed)
		return 1
	}
	if why := r.shallow(); why != "" {
		fmt.Fprintf(os.Stderr, "chaos: hardly anything happened, so nothing is shown: %s\n", why)
		return 1
	}
	return 0
}

// try is one whole run. Its error is that the scene could not be built, or ctx's; what was lost is in the result.
func try(ctx context.Context, o options, progress io.Writer) (_ result, err error) {
	began := time.Now()
	if err := sweepScenes(ctx); err != nil {
		return result{}, err
	}
	c, err := open(ctx, o)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	defer c.clear()
	fmt.Fprintf(progress, "chaos: %d faults, seed %d, %d frames in flight, host %s\n", o.faults, o.seed, o.slots, c.host)
	c.run(ctx, progress)
	if ctx.Err() != nil {
		return result{}, fmt.Errorf("%w; problems so far: %q", ctx.Err(), c.books.problems)
	}
	out := c.audit(ctx)
	out.seed, out.faults, out.missed, out.took = o.seed, c.done, c.missed, time.Since(began)
	out.knocks = c.knocks.Load()
	out.starts, out.supervisors, out.completions, out.raced, out.probes, out.problems = c.bare.count(), c.kept.count(), c.books.reports, c.books.raced, c.probes.Load(), c.books.problems
	if len(out.problems) > 0 && o.keep != "" {
		err = c.keep(filepath.Join(o.keep, fmt.Sprintf("seed-%d", o.seed)))
	}
	return out, err
}

// run keeps frames going, breaks things, and lets everything come to its end.
func (c *chaos) run(ctx context.Context, progress io.Writer) {
	live, abandon := context.WithCancel(ctx)
	defer abandon()
	probing, stopProbing := context.WithCancel(live)
	defer stopProbing()
	var slots sync.WaitGroup
	for n := range c.opts.slots {
		s := &slot{chaos: c, number: n, works: newWorks(c.opts.seed, n)}
		slots.Go(func() { s.live(live) })
	}
	slots.Go(func() { c.probe(probing) })
	for range knockers {
		slots.Go(func() { c.knock(probing, c.address()) })
	}
	c.breakThings(ctx, progress)
	stopProbing()
	close(c.end)
	c.heal(ctx)
	limit := time.AfterFunc(drainLimit, abandon)
	defer limit.Stop()
	slots.Wait()
	c.later.Wait()
}

// breakThings injects the whole plan.
func (c *chaos) breakThings(ctx context.Context, progress io.Writer) {
	var count atomic.Int64
	began := time.Now()
	say := func() {
		if n := count.Add(1); n%20 == 0 {
			fmt.Fprintf(progress, "chaos: %v: %d of %d faults, %d launches, %d problems\n",
				time.Since(began).Round(time.Second), n, c.opts.faults, c.books.size(), c.books.wrongs())
		}
	}
	p := planned(c.opts.seed, c.opts.faults)
	var lanes sync.WaitGroup
	lanes.Go(func() { c.inject(ctx, p.surface, say) })
	c.injectGround(ctx, p.ground, say)
	lanes.Wait()
}

// clear ends what must not outlive the run. Its engine takes the containers along.
func (c *chaos) clear() {
	c.bare.stop(syscall.SIGKILL)
	c.later.Wait()
	thaw(c.logDir())
}

// keep copies what tells of a failed run.
func (c *chaos) keep(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return errors.Join(
		os.CopyFS(filepath.Join(dir, "logs"), os.DirFS(c.logDir())),
		os.CopyFS(filepath.Join(dir, "state"), os.DirFS(c.volume.dir)),
		copyFile(filepath.Join(c.dir, "rqdcore.log"), filepath.Join(dir, "rqdcore.log")),
	)
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
