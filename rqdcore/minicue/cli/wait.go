package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rqdswarm/rqdcore/minicue/farm"
)

type waitCmd struct {
	Frames  []string      `arg:"" optional:"" help:"Frames: name, JOB/NAME, or the id. Default: all." placeholder:"FRAME"`
	Hosts   int           `help:"Wait until so many hosts are up and open instead." default:"0" placeholder:"N"`
	OS      string        `help:"Count only hosts that have this image." placeholder:"KEY"`
	Timeout time.Duration `help:"Give up after so long, for example 90s. Default: never." default:"0" placeholder:"TIME"`
}

const waitPoll = 300 * time.Millisecond

// Run waits. With frames given it exits as the first of them that failed.
func (c *waitCmd) Run(ctx context.Context, env *Env, cl *client) error {
	check := c.framesOver
	if c.Hosts > 0 {
		if len(c.Frames) > 0 {
			return usage(errors.New("wait: give frames or --hosts, not both"))
		}
		check = c.hostsUp
	} else if c.OS != "" {
		return usage(errors.New("wait: --os needs --hosts"))
	}
	var late <-chan time.Time
	if c.Timeout > 0 {
		late = time.After(c.Timeout)
	}
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	for {
		missing, err := check(ctx, cl)
		// A server that is not there yet is waited for as well, when that has an end.
		if err != nil && (late == nil || !errors.Is(err, errUnreachable)) {
			return err
		}
		if err == nil && missing == "" {
			return nil
		}
		if err != nil {
			missing = err.Error()
		}
		select {
		case <-tick.C:
		case <-late:
			return fmt.Errorf("waited %s: %s", c.Timeout, missing)
		case sig := <-env.Signals:
			return &exitError{code: 128 + signalNumber(sig)}
		}
	}
}

func (c *waitCmd) hostsUp(ctx context.Context, cl *client) (missing string, err error) {
	hosts, err := cl.hosts(ctx)
	if err != nil {
		return "", err
	}
	n := 0
	for _, h := range hosts {
		if h.State == farm.Up && h.Lock == farm.Open && (c.OS == "" || slices.Contains(h.OS, c.OS)) {
			n++
		}
	}
	if n >= c.Hosts {
		return "", nil
	}
	what := plural(n, "host") + " up and open"
	if c.OS != "" {
		what += " with os " + c.OS
	}
	return fmt.Sprintf("%s, want %d", what, c.Hosts), nil
}

func (c *waitCmd) framesOver(ctx context.Context, cl *client) (missing string, err error) {
	frames, err := cl.frames(ctx)
	if err != nil {
		return "", err
	}
	chosen, err := choose(frames, c.Frames)
	if err != nil {
		return "", err
	}
	for _, f := range chosen {
		if !f.State.Final() {
			return fmt.Sprintf("%s of %s is %s", f.Name, f.Job, f.State), nil
		}
	}
	if len(c.Frames) == 0 {
		return "", nil
	}
	slices.SortStableFunc(chosen, func(a, b farm.FrameView) int { return a.Ended.Compare(b.Ended) })
	for _, f := range chosen {
		kind := farm.EventFailed
		switch {
		case f.State == farm.Succeeded:
			kind = farm.EventDone
		case f.Killed:
			kind = farm.EventKilled
		}
		if code := exitCode(farm.Event{Kind: kind, Status: f.Status, Signal: f.Signal}); code != 0 {
			return "", &exitError{code: code}
		}
	}
	return "", nil
}

// choose picks the frames that are named; of several with one name the newest.
func choose(frames []farm.FrameView, names []string) ([]farm.FrameView, error) {
	if len(names) == 0 {
		return frames, nil
	}
	var out []farm.FrameView
	for _, name := range names {
		at := -1
		for i, f := range frames {
			if f.Name == name || f.Job+"/"+f.Name == name || len(name) >= 4 && strings.HasPrefix(f.ID, name) {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("frame %q: no such frame", name)
		}
		out = append(out, frames[at])
	}
	return out, nil
}
