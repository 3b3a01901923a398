package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sample runs one short frame of one subject.
type sample func(ctx context.Context, command string) (sent, ended time.Time, err error)

// contestant is a subject that runs short frames.
type contestant struct {
	name string
	run  sample
}

// contestants are all of them; the floor comes first, so that the others are compared with it.
func (w *world) contestants() []contestant {
	list := []contestant{{floorName, func(ctx context.Context, command string) (sent, ended time.Time, err error) {
		b, err := w.floor.run(ctx, command)
		return b.sent, b.ended, err
	}}}
	for _, r := range w.rqds() {
		list = append(list, contestant{r.name, func(ctx context.Context, command string) (sent, ended time.Time, err error) {
			l, err := r.launch(ctx, command)
			if err != nil {
				return time.Time{}, time.Time{}, err
			}
			e, err := l.end(ctx)
			if err != nil {
				_ = r.kill(ctx, l) // What has failed must not be in the way of what comes next.
				err = errors.Join(err, readError(filepath.Join(r.dir, "rqd.out")))
			}
			return l.sent, e.at, err
		}})
	}
	return list
}

// turns gives every contestant a turn in every round, each round beginning with another one. Between two turns what
// the last one left to the background is waited for.
func (w *world) turns(ctx context.Context, rounds int, turn func(c contestant) error) error {
	list := w.contestants()
	out := map[string]bool{}
	for round := range rounds {
		for i := range list {
			c := list[(round+i)%len(list)]
			if out[c.name] {
				continue
			}
			if err := turn(c); err != nil {
				out[c.name] = true
				if err := w.tolerate(fmt.Sprintf("round %d", round+1), c.name, err); err != nil {
					return fmt.Errorf("%s, round %d: %w", c.name, round+1, err)
				}
			}
			if _, err := w.gone(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// latency runs one frame after the other.
func (w *world) latency(ctx context.Context) ([]Figure, error) {
	order := Figure{Name: "LaunchFrame to completion of `true`, one after the other", Unit: "ms", Target: "at most 0.85 of the engine alone"}
	whole := Figure{Name: "LaunchFrame until the container of `true` is removed, too", Unit: "ms"}
	err := w.turns(ctx, w.opts.rounds+1, func(c contestant) error {
		sent, ended, err := c.run(ctx, "true")
		if err != nil {
			return err
		}
		over, err := w.gone(ctx)
		if c.name != rqdName {
			over = ended
		}
		order.add(c.name, millis(ended.Sub(sent)))
		whole.add(c.name, millis(over.Sub(sent)))
		return err
	})
	order.settle()
	whole.settle()
	return []Figure{order, whole}, err
}

// exits runs frames whose last act is to write down the time.
func (w *world) exits(ctx context.Context) ([]Figure, error) {
	f := Figure{Name: "exit of the process to completion at Cuebot", Unit: "ms", Target: "at most 5 ms"}
	n := 0
	err := w.turns(ctx, w.opts.rounds+1, func(c contestant) error {
		n++
		stamp := filepath.Join(w.dir, fmt.Sprintf("stamp-%d", n))
		_, ended, err := c.run(ctx, "date +%s%N > "+stamp)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(stamp) // #nosec G304 -- our own directory.
		if err != nil {
			return err
		}
		nanos, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return fmt.Errorf("read time of exit: %w", err)
		}
		f.add(c.name, millis(ended.Sub(time.Unix(0, nanos))))
		return nil
	})
	f.settle()
	return []Figure{f}, err
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
