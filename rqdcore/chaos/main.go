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
	"syscall"
	"time"

	"rqdswarm/internal/engine"
)

func main() { os.Exit(command()) }

// command returns the exit code.
func command() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := options{}
	flag.IntVar(&o.faults, "faults", 200, "how many `faults` to inject")
	flag.Uint64Var(&o.seed, "seed", 0, "`seed` of the schedule; 0 takes a new one")
	flag.IntVar(&o.slots, "frames-in-flight", 6, "how many `frames` run at once")
	flag.StringVar(&o.binary, "rqdcore", "bin/rqdcore", "`path` of the rqdcore to try")
	flag.StringVar(&o.image, "image", "rqd-frame-busybox:dev", "`image` of the frames; it needs a shell and awk")
	flag.StringVar(&o.keep, "keep", "", "`directory` for the logs of a failed run")
	flag.Parse()
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
	return 0
}

// try is one whole run. Its error is that the scene could not be built, or ctx's; what was lost is in the result.
func try(ctx context.Context, o options, progress io.Writer) (_ result, err error) {
	began := time.Now()
	c, err := open(ctx, o)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	defer c.clear(ctx)
	fmt.Fprintf(progress, "chaos: %d faults, seed %d, %d frames in flight, host %s\n", o.faults, o.seed, o.slots, c.host)
	c.run(ctx, progress)
	if ctx.Err() != nil {
		return result{}, ctx.Err()
	}
	out := c.audit(ctx)
	out.seed, out.faults, out.missed, out.took = o.seed, c.done, c.missed, time.Since(began)
	out.starts, out.completions, out.raced, out.probes, out.problems = c.rqd.starts, c.books.reports, c.books.raced, c.probes.Load(), c.books.problems
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
	faults := schedule(c.opts.seed, c.opts.faults)
	c.inject(ctx, faults, func(n int) {
		if n%20 == 0 {
			fmt.Fprintf(progress, "chaos: %d of %d faults, %d launches, %d problems\n", n, len(faults), c.books.size(), c.books.wrongs())
		}
	})
	stopProbing()
	close(c.end)
	c.heal(ctx)
	limit := time.AfterFunc(drainLimit, abandon)
	defer limit.Stop()
	slots.Wait()
	c.later.Wait()
}

// clear takes away what a failed run left.
func (c *chaos) clear(ctx context.Context) {
	c.rqd.stop(syscall.SIGKILL)
	c.later.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	for _, x := range c.containers(ctx, "") {
		if err := c.docker.Remove(ctx, x.ID, engine.RemoveOptions{Force: true}); err != nil {
			fmt.Fprintf(os.Stderr, "chaos: remove %s: %v\n", x.Name, err)
		}
	}
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
