package output

import (
	"context"
	"fmt"
	"time"

	"rqdswarm/internal/engine"
)

const (
	// lookBack is how far behind its own end a dead supervisor may have been with RQD's lines.
	lookBack = 30 * time.Second
	// lookTime bounds the reading of what it printed, and maxPrinted what is kept of it.
	lookTime   = 10 * time.Second
	maxPrinted = 100_000
)

// Source says where a follower begins.
type Source struct {
	// Since is the time from which the lines are ours; zero is the container's start.
	Since time.Time
	// Printers are the containers of the supervisors, all dead or our own, that may have printed earlier lines. What one
	// of them had not got to before it was killed is printed as well. Empty leaves all lines before Since alone.
	Printers []string
}

// printed counts the lines that supervisors have written, by stream and text.
type printed struct {
	lines [2]map[string]int
	count int
}

// take says that the line was written, and crosses it out.
func (p *printed) take(line engine.LogLine) bool {
	stream := p.lines[streamOf(line)]
	if stream[string(line.Text)] == 0 {
		return false
	}
	stream[string(line.Text)]--
	return true
}

func streamOf(line engine.LogLine) int {
	if line.Stderr {
		return 1
	}
	return 0
}

// printedBy reads what the containers have written since t. What the engine has of it is what people can see.
func (p *Printer) printedBy(ctx context.Context, ids []string, t time.Time) (*printed, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	all := &printed{lines: [2]map[string]int{{}, {}}}
	for _, id := range ids {
		err := p.engine.Logs(ctx, id, engine.LogOptions{Since: t}, func(line engine.LogLine) error {
			if all.count++; all.count > maxPrinted {
				return fmt.Errorf("more than %d lines in %s", maxPrinted, lookBack)
			}
			all.lines[streamOf(line)][string(line.Text)]++
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what supervisor %s printed: %w", id, err)
		}
	}
	return all, nil
}
