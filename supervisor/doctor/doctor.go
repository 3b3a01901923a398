package doctor

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/swarm"
)

// Level is how bad a finding is.
type Level string

// The levels. A Failure keeps RQD from running, or from running right.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Failure Level = "FAILURE"
)

// Finding is one row of the table.
type Finding struct {
	Check  string
	Level  Level
	Found  string
	Advice string // What to do about it; empty when all is well.
}

// Engine is what an examination asks the engine.
type Engine interface {
	Inspect(ctx context.Context, idOrName string) (engine.Container, error)
	Info(ctx context.Context) (engine.Info, error)
}

// Patient is what is examined.
type Patient struct {
	Engine    Engine
	Self      swarm.Self
	Name      string      // RQD's.
	Spec      engine.Spec // RQD's, as wanted.
	Addresses []string    // Where RQD's port may be reached.
	Root      string      // Of our file system.
	// Resolve gets RQD's image; Preflight says what the host grants of a spec, and Lost collects what it does not.
	Resolve   func(ctx context.Context) (engine.Image, error)
	Preflight func(ctx context.Context, s engine.Spec) (lost []string, err error)
	// Supervised says whether a supervisor looks after RQD.
	Supervised func(ctx context.Context) (bool, error)
	// Warnings are what the supervisor would say at its start.
	Warnings []string
}

// examTime bounds the whole examination; a pull takes the most of it.
const examTime = 15 * time.Minute

// Examine looks at everything and returns a row for each check.
func Examine(ctx context.Context, p Patient) []Finding {
	ctx, cancel := context.WithTimeout(ctx, examTime)
	defer cancel()
	info, err := p.Engine.Info(ctx)
	if err != nil {
		return []Finding{NoEngine(err)}
	}
	findings := []Finding{
		engineVersion(info), rootless(info), cgroups(info), gpuRuntime(info, p.Spec), self(p.Self), swarmNode(info),
		clock(), space(p.Root, info),
		name(ctx, p), port(ctx, p),
	}
	image, err := p.Resolve(ctx)
	findings = append(findings, imageOf(p.Spec.Image, image, err))
	if err == nil {
		findings = append(findings, rights(ctx, p)...)
	}
	for _, w := range p.Warnings {
		findings = append(findings, Finding{"configuration", Warning, w, ""})
	}
	return findings
}

// NoEngine is the only row where no engine answers.
func NoEngine(err error) Finding {
	return Finding{"engine", Failure, err.Error(), "start the engine, and mount its socket into the supervisor"}
}

// Print writes the table and says whether there is no failure in it.
func Print(w io.Writer, findings []Finding) (healthy bool) {
	healthy = true
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		healthy = healthy && f.Level != Failure
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Level, f.Check, f.Found)
		if f.Advice != "" {
			fmt.Fprintf(table, "\t\t→ %s\n", f.Advice)
		}
	}
	_ = table.Flush()
	return healthy
}
