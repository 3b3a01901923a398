package cli

import (
	"context"
	"errors"
	"fmt"

	"rqdswarm/rqdcore/minicue/farm"
)

type killCmd struct {
	Frames []string `arg:"" optional:"" help:"Frames: name, JOB/NAME, or the beginning of the id." placeholder:"FRAME"`
	All    bool     `help:"Every frame that is not over."`
	JSON   bool     `help:"Print JSON."`
}

// Run kills the frames. It is done when their hosts have promised it, not when they are dead.
func (c *killCmd) Run(ctx context.Context, env *Env, cl *client) error {
	if len(c.Frames) == 0 != c.All {
		return usage(errors.New("kill: give frames, or --all"))
	}
	if c.All {
		frames, err := cl.frames(ctx)
		if err != nil {
			return err
		}
		for _, f := range frames {
			if !f.State.Final() {
				c.Frames = append(c.Frames, f.ID)
			}
		}
	}
	results, err := cl.killFrames(ctx, c.Frames)
	if err != nil {
		return err
	}
	unclear := 0
	for _, r := range results {
		if r.Answer == "unclear" {
			unclear++
		}
		if !c.JSON {
			fmt.Fprintf(env.Stdout, "%s on %s: %s\n", r.Frame, r.Host, r.Answer)
		}
	}
	if c.JSON {
		err = printJSON(env.Stdout, results)
	} else if rest := len(c.Frames) - len(results); rest > 0 {
		fmt.Fprintf(env.Stdout, "%s: nothing ran, will not run\n", plural(rest, "frame"))
	}
	if unclear > 0 {
		return fmt.Errorf("%s may still run: the host did not answer", plural(unclear, "frame"))
	}
	return err
}

type lockCmd struct {
	Host  string `arg:"" help:"Host, as minicue hosts lists it." placeholder:"HOST"`
	Cores *cores `arg:"" optional:"" help:"So many cores only. The farm does not know of them, as Cuebot does not; RQD refuses what is booked on them." placeholder:"CORES"`
}

// Run locks the host.
func (c *lockCmd) Run(ctx context.Context, env *Env, cl *client) error {
	return lock(ctx, env, cl, lockOrder{"lock", "locked", c.Host, c.Cores})
}

type unlockCmd struct {
	Host  string `arg:"" help:"Host, as minicue hosts lists it." placeholder:"HOST"`
	Cores *cores `arg:"" optional:"" help:"So many locked cores only." placeholder:"CORES"`
}

// Run unlocks the host.
func (c *unlockCmd) Run(ctx context.Context, env *Env, cl *client) error {
	return lock(ctx, env, cl, lockOrder{"unlock", "unlocked", c.Host, c.Cores})
}

type lockOrder struct {
	verb, done, host string
	cores            *cores
}

func lock(ctx context.Context, env *Env, cl *client, o lockOrder) error {
	n := cores(0)
	what := o.host
	if o.cores != nil {
		n = *o.cores
		what = plural(farm.Points(n), "core") + " of " + o.host
	}
	if err := cl.lock(ctx, o.verb, o.host, n); err != nil {
		return err
	}
	_, err := fmt.Fprintln(env.Stdout, what+" "+o.done)
	return err
}
