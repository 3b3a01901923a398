package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"rqdswarm/rqdcore/minicue/farm"
)

type hostsCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the hosts.
func (c *hostsCmd) Run(ctx context.Context, env *Env, cl *client) error {
	hosts, err := cl.hosts(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, hosts)
	}
	if len(hosts) == 0 {
		fmt.Fprintln(env.Stderr, "no host has reported yet")
		return nil
	}
	return printHosts(env.Stdout, hosts)
}

func printHosts(w io.Writer, hosts []farm.HostView) error {
	t := newTable(w, "HOST", "STATE", "OS", "CORES", "BOOKED", "LOCKED", "MEMORY", "FREE", "GPUS", "FRAMES", "SEEN", "NOTE")
	for _, h := range hosts {
		state, locked := string(h.State), h.Reported.Locked.String()
		if h.Lock == farm.Locked {
			locked = "all"
		}
		note := strings.Join(append(nonEmpty(h.Note), h.Doubts...), "; ")
		t.row(h.Name, state, strings.Join(h.OS, ","), h.Cores.String(), h.Booked.String(), locked, mib(h.Memory), mib(h.FreeMemory),
			strconv.Itoa(int(h.GPUs)), strconv.Itoa(h.Frames), seconds(h.Age)+" ago", note)
	}
	return t.flush()
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

type framesCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the frames.
func (c *framesCmd) Run(ctx context.Context, env *Env, cl *client) error {
	frames, err := cl.frames(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, frames)
	}
	if len(frames) == 0 {
		fmt.Fprintln(env.Stderr, "no frame has been submitted yet")
		return nil
	}
	return printFrames(env.Stdout, frames)
}

func printFrames(w io.Writer, frames []farm.FrameView) error {
	t := newTable(w, "ID", "JOB", "FRAME", "STATE", "HOST", "RUNS", "TIME", "EXIT", "PEAK", "NOTE")
	for _, f := range frames {
		took, peak, note := "", "", f.Waiting
		if f.Seconds > 0 && f.State != farm.Waiting {
			took = seconds(f.Seconds)
		}
		if f.MaxRSS > 0 {
			peak = mib(f.MaxRSS)
		}
		if f.Killed {
			note = "killed"
		}
		t.row(f.ID[:min(len(f.ID), 8)], f.Job, f.Name, string(f.State), f.Host, strconv.Itoa(f.Runs), took, exitText(f), peak, note)
	}
	return t.flush()
}

// exitText is the end of the last run, status and signal.
func exitText(f farm.FrameView) string {
	switch {
	case f.Status < 0 || f.State == farm.InFlight && f.Runs == 0:
		return ""
	case f.Signal != 0:
		return fmt.Sprintf("%d/%d", f.Status, f.Signal)
	default:
		return strconv.Itoa(int(f.Status))
	}
}

// table aligns columns; empty cells are dashes, and no line ends in blanks.
type table struct {
	out  io.Writer
	text strings.Builder
	tab  *tabwriter.Writer
}

func newTable(w io.Writer, head ...string) *table {
	t := &table{out: w}
	t.tab = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	t.row(head...)
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		if c == "" && i < len(cells)-1 {
			cells[i] = "-"
		}
	}
	fmt.Fprintln(t.tab, strings.Join(cells, "\t"))
}

func (t *table) flush() error {
	if err := t.tab.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(t.text.String()) {
		if _, err := fmt.Fprintln(t.out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
