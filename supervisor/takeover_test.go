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

func TestUpdateStartFirst(t *testing.T) {
	bubble(t, func(w *world) {
		w.image("rqd:1", enginetest.Script{Health: "healthy", Signals: map[string]enginetest.Reaction{"SIGTERM": {Print: "bye", After: 4 * time.Second}}})
		old := w.supervisor(order{image: "rqd:1", grace: 10 * time.Second})
		settle(5 * time.Second)
		w.runs("rqd:1")

		next := w.supervisor(order{image: "rqd:2", grace: 10 * time.Second})
		settle(3 * time.Second)
		old.lives()
		settle(2 * time.Second)
		w.runs("rqd:2")
		if out := old.out.String() + next.out.String(); out != "bye\n" {
			w.t.Errorf("want the old rqd's last line once, have %q", out)
		}
		old.signals <- syscall.SIGTERM
		old.ends(4*time.Second, 0)
		settle(time.Minute)
		w.runs("rqd:2")
		next.lives()
		next.signals <- syscall.SIGTERM
		next.ends(time.Second, 143)
		w.left()
	})
}

// TestNothingIsAskedWhileThereIsNoRQD has an engine that takes its time to answer questions.
func TestNothingIsAskedWhileThereIsNoRQD(t *testing.T) {
	bubble(t, func(w *world) {
		old := w.supervisor(order{image: "rqd:1", grace: 10 * time.Second})
		settle(5 * time.Second)
		var slow *ponderous
		next := w.supervisor(order{image: "rqd:2", grace: 10 * time.Second, change: func(_ *config, d *dependencies) {
			slow = &ponderous{Fake: w.fake}
			d.Engine = slow
		}})
		settle(20 * time.Second)
		started := w.runs("rqd:2").StartedAt
		if away := started.Sub(slow.stopped); away != 0 {
			w.t.Errorf("want the next rqd started as soon as the old one had stopped, have %s without any", away)
		}
		end(next)
		end(old)
	})
}

// ponderous is a Fake that thinks for a second about each question. It keeps the time of the last stop.
type ponderous struct {
	*enginetest.Fake
	stopped time.Time
}

func (p *ponderous) List(ctx context.Context, labels map[string]string) ([]engine.Container, error) {
	time.Sleep(time.Second)
	return p.Fake.List(ctx, labels)
}

func (p *ponderous) Stop(ctx context.Context, id string, grace time.Duration) error {
	defer func() { p.stopped = time.Now() }()
	return p.Fake.Stop(ctx, id, grace)
}

func TestUpdateStopFirst(t *testing.T) {
	bubble(t, func(w *world) {
		old := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		old.signals <- syscall.SIGTERM
		old.ends(time.Second, 143)
		w.left()
		next := w.supervisor(order{image: "rqd:2"})
		settle(5 * time.Second)
		w.runs("rqd:2")
		next.signals <- syscall.SIGTERM
		next.ends(time.Second, 143)
	})
}

func TestUpdateToAnImageThatIsNotThere(t *testing.T) {
	bubble(t, func(w *world) {
		old := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		before := w.runs("rqd:1")
		bad := w.supervisor(order{image: "rqd:none"})
		bad.ends(time.Second, 1)
		settle(10 * time.Second)
		if after := w.runs("rqd:1"); after.ID != before.ID || !after.StartedAt.Equal(before.StartedAt) {
			w.t.Error("want rqd untouched, have another")
		}
		old.lives()
		end(old)
	})
}

// TestUpdateToAnRQDThatIsNeverReady is Swarm's roll-back: the old task was never stopped, and takes RQD back.
func TestUpdateToAnRQDThatIsNeverReady(t *testing.T) {
	for name, swarmKills := range map[string]bool{"swarm kills the task": true, "the supervisor gives up": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.image("rqd:2", enginetest.Script{Health: "unhealthy"})
				old := w.supervisor(order{image: "rqd:1", grace: time.Second})
				settle(5 * time.Second)
				bad := w.supervisor(order{image: "rqd:2", grace: time.Second})
				settle(10 * time.Second)
				w.runs("rqd:2")
				if swarmKills {
					bad.signals <- syscall.SIGTERM
					bad.ends(time.Second, 0)
				} else {
					bad.ends(25*time.Second, 1)
				}
				settle(time.Second)
				w.runs("rqd:1")
				old.lives()
				settle(time.Minute)
				w.runs("rqd:1")
				end(old)
				w.left()
			})
		})
	}
}

// TestLastSupervisorGivesUp stops an RQD that has been ready and no longer is: the next supervisor starts afresh.
func TestLastSupervisorGivesUp(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.supervisor(order{image: "rqd:1"})
		settle(time.Minute)
		w.fake.SetHealth("rqd", "unhealthy")
		settle(25 * time.Second)
		m.lives()
		w.runs("rqd:1")
		m.ends(15*time.Second, 1)
		if !strings.Contains(m.errOut.String(), "RQD_READY_TIMEOUT is 30s") {
			w.t.Errorf("want the reason, have %s", m.errOut)
		}
		w.left()
	})
}

// TestAskedToEndWhileGivingUp is what Swarm does to a task that is unhealthy: RQD keeps the grace that it has been given.
func TestAskedToEndWhileGivingUp(t *testing.T) {
	bubble(t, func(w *world) {
		w.image("rqd:1", enginetest.Script{Health: "healthy", Signals: map[string]enginetest.Reaction{"SIGTERM": {After: 20 * time.Second, Print: "closing"}}})
		m := w.supervisor(order{image: "rqd:1", grace: 30 * time.Second})
		settle(time.Minute)
		w.fake.SetHealth("rqd", "unhealthy")
		for m.out.String() == "" {
			settle(time.Second)
		}
		begun := time.Now()
		settle(5 * time.Second)
		m.signals <- syscall.SIGTERM
		m.ends(30*time.Second, 1)
		if took := time.Since(begun); took < 19*time.Second {
			w.t.Errorf("want rqd given its time, have the end after %s", took)
		}
		w.left()
	})
}

// TestServiceRemovedDuringAnUpdate ends both supervisors: whoever is asked first, no RQD may be left.
func TestServiceRemovedDuringAnUpdate(t *testing.T) {
	for _, apart := range []time.Duration{0, 50 * time.Millisecond, time.Second, 10 * time.Second} {
		for _, oldFirst := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s apart, old first %t", apart, oldFirst), func(t *testing.T) {
				bubble(t, func(w *world) {
					both := []*member{w.supervisor(order{image: "rqd:1", grace: 10 * time.Second})}
					settle(5 * time.Second)
					both = append(both, w.supervisor(order{image: "rqd:2", grace: 10 * time.Second}))
					settle(5 * time.Second)
					w.runs("rqd:2")
					if !oldFirst {
						slices.Reverse(both)
					}
					for _, m := range both {
						m.signals <- syscall.SIGTERM
						time.Sleep(apart)
					}
					for _, m := range both {
						select {
						case <-m.done:
						case <-time.After(20 * time.Second):
							w.t.Errorf("supervisor %.12s lives", m.id)
						}
					}
					w.left()
				})
			})
		}
	}
}

// TestOverlapDuringALongStop is what Swarm does a minute into the stop of a task: it starts the next one.
func TestOverlapDuringALongStop(t *testing.T) {
	for _, image := range []string{"rqd:1", "rqd:2"} {
		t.Run(image, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.image("rqd:1", enginetest.Script{Health: "healthy", Signals: map[string]enginetest.Reaction{"SIGTERM": {After: 91 * time.Second}}})
				old := w.supervisor(order{image: "rqd:1", grace: 120 * time.Second})
				settle(5 * time.Second)
				first := w.runs("rqd:1")
				old.signals <- syscall.SIGTERM
				settle(time.Minute)
				next := w.supervisor(order{image: image, grace: 120 * time.Second, change: func(_ *config, d *dependencies) {
					d.Engine = &late{Fake: w.fake} // By then the old one might be gone.
				}})
				settle(100 * time.Second)
				if w.runs(image).ID == first.ID {
					w.t.Error("want a fresh rqd, have the stopped one")
				}
				select {
				case <-old.done:
				default:
					w.t.Error("old supervisor lives")
				}
				next.lives()
				next.shot()
			})
		})
	}
}

func TestSupervisorsOfTheSameInstant(t *testing.T) {
	bubble(t, func(w *world) {
		var all []*member
		for range 3 {
			all = append(all, w.supervisor(order{image: "rqd:1"}))
		}
		settle(10 * time.Second)
		first := w.runs("rqd:1")
		for len(all) > 1 { // The newest goes first: the next older adopts.
			newest := all[len(all)-1]
			all = all[:len(all)-1]
			newest.shot()
			settle(10 * time.Second)
			if w.runs("rqd:1").ID != first.ID {
				w.t.Error("want the same rqd adopted, have another")
			}
		}
		end(all[0])
		w.left()
	})
}

// TestSickRQDIsReplaced by the next supervisor, which would otherwise adopt it.
func TestSickRQDIsReplaced(t *testing.T) {
	bubble(t, func(w *world) {
		first := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		sick := w.runs("rqd:1")
		first.shot()
		w.fake.SetHealth("rqd", "unhealthy")
		next := w.supervisor(order{image: "rqd:1"})
		settle(5 * time.Second)
		if w.runs("rqd:1").ID == sick.ID {
			w.t.Error("want another rqd, have the sick one adopted")
		}
		end(next)
	})
}

// end ends the last supervisor.
func end(m *member) {
	m.w.t.Helper()
	m.signals <- syscall.SIGTERM
	select {
	case <-m.done:
	case <-time.After(time.Minute):
		m.w.t.Errorf("supervisor %.12s lives", m.id)
	}
}
