package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// TestOutputIsCompleteAndOnce has an RQD write all the time while supervisors come and go.
func TestOutputIsCompleteAndOnce(t *testing.T) {
	for name, c := range map[string]func(w *world, first *member) []*member{
		"take-over": func(w *world, first *member) []*member {
			next := w.supervisor(order{image: "rqd:1"})
			time.Sleep(5 * time.Second)
			first.signals <- syscall.SIGTERM
			first.ends(10*time.Second, 0)
			return []*member{next}
		},
		"take-over, old one ends at once": func(w *world, first *member) []*member {
			next := w.supervisor(order{image: "rqd:1"})
			first.signals <- syscall.SIGTERM
			first.ends(10*time.Second, 0)
			return []*member{next}
		},
		"killed and replaced": func(w *world, first *member) []*member {
			first.shot()
			time.Sleep(3 * time.Second)
			return []*member{w.supervisor(order{image: "rqd:1"})}
		},
		"killed while behind": func(w *world, first *member) []*member {
			first.shot()
			time.Sleep(3 * time.Second)
			return []*member{w.supervisor(order{image: "rqd:1"})}
		},
		"killed and started again": func(w *world, first *member) []*member { // By compose's restart policy.
			first.shot()
			time.Sleep(300 * time.Millisecond)
			return []*member{w.supervisor(order{image: "rqd:1", again: first.id})}
		},
		"taken over and given back": func(w *world, first *member) []*member {
			next := w.supervisor(order{image: "rqd:1"})
			time.Sleep(10 * time.Second)
			next.shot()
			return []*member{next, first}
		},
		"taken over by one that vanishes": func(w *world, first *member) []*member {
			next := w.supervisor(order{image: "rqd:1"})
			time.Sleep(10 * time.Second)
			next.cancel()
			<-next.done
			if err := w.fake.Remove(w.t.Context(), next.id, engine.RemoveOptions{Force: true}); err != nil {
				w.t.Error(err)
			}
			return []*member{next, first}
		},
		"engine away": func(w *world, first *member) []*member {
			w.fake.GoDown()
			time.Sleep(3 * time.Second)
			w.fake.ComeUp()
			return []*member{first}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				first := w.supervisor(order{image: "rqd:1", change: func(_ *config, d *dependencies) {
					switch name {
					case "taken over by one that vanishes": // When that one went, nobody can say later.
					case "killed while behind", "killed and started again":
						d.Engine = &behind{Fake: w.fake}
					default:
						d.Engine = &late{Fake: w.fake} // It takes its time to notice the next one.
					}
				}})
				settle(5 * time.Second)
				ctx, cancel := context.WithCancel(w.t.Context())
				written := make(chan int)
				go func() {
					n := 0
					for ; ctx.Err() == nil; n++ {
						w.fake.Print("rqd", fmt.Sprintf("line %d", n))
						time.Sleep(37 * time.Millisecond)
					}
					written <- n
				}()
				time.Sleep(2 * time.Second)
				members := c(w, first)
				time.Sleep(20 * time.Second)
				cancel()
				n := <-written
				settle(5 * time.Second)
				last := members[len(members)-1]
				if !slices.Contains(members, first) {
					members = append(members, first)
				}
				lines := map[string]int{}
				for _, m := range members {
					for line := range strings.Lines(m.out.String()) {
						lines[strings.TrimSpace(line)]++
					}
				}
				for i := range n {
					if have := lines[fmt.Sprintf("line %d", i)]; have != 1 {
						w.t.Errorf("line %d: want it once, have it %d times", i, have)
					}
				}
				end(last)
			})
		})
	}
}

// late is a Fake whose events arrive a second late.
type late struct{ *enginetest.Fake }

func (l *late) Events(ctx context.Context, labels map[string]string) (<-chan engine.Event, <-chan error) {
	events, ended := l.Fake.Events(ctx, labels)
	delayed := make(chan engine.Event, 256)
	go func() {
		defer close(delayed)
		for e := range events {
			time.Sleep(time.Second)
			delayed <- e
		}
	}()
	return delayed, ended
}

// behind is a Fake that delivers each line of a log half a second after it was written.
type behind struct{ *enginetest.Fake }

func (b *behind) Logs(ctx context.Context, id string, o engine.LogOptions, deliver func(engine.LogLine) error) error {
	return b.Fake.Logs(ctx, id, o, func(line engine.LogLine) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(line.Time.Add(500 * time.Millisecond))):
			return deliver(line)
		}
	})
}

// TestBlockedOutputDelaysNothing has nobody read our stdout.
func TestBlockedOutputDelaysNothing(t *testing.T) {
	bubble(t, func(w *world) {
		w.image("rqd:1", enginetest.Script{Health: "healthy", Output: []string{"stuck"}})
		free := make(chan struct{})
		defer close(free)
		m := w.supervisor(order{image: "rqd:1", change: func(_ *config, d *dependencies) { d.Stdout = blocked(free) }})
		settle(10 * time.Second)
		w.runs("rqd:1")
		m.signals <- syscall.SIGTERM
		m.ends(6*time.Second, 143)
		w.left()
	})
}

type blocked chan struct{}

func (b blocked) Write(p []byte) (int, error) { <-b; return len(p), nil }
