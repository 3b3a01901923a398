package host_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/host"
	"rqdswarm/rqdcore/machine"
	"rqdswarm/rqdcore/runner"
)

// stage plays everything around a Host: a runner whose frames end when the test says so, a
// journal and an outbox in memory, and a diary of what happened in which order.
type stage struct {
	t    *testing.T
	host *host.Host

	mu         sync.Mutex
	diary      []string
	ends       map[string]chan frame.Exit
	journal    map[string]any
	outbox     []frame.Completion
	failPut    error
	failAdd    error
	failDelete error
	holdPut    chan struct{}
	ready      error
	cards      []machine.GPU
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, ends: make(map[string]chan frame.Exit), journal: make(map[string]any)}
	s.host = host.New(host.Config{
		Runner: s, Journal: s, Outbox: box{s}, Facts: s, Notify: s, Log: zerolog.Nop(), Cores: 400,
	})
	return s
}

// run starts the host's actor and ends it with the test.
func (s *stage) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = s.host.Run(ctx) })
	s.t.Cleanup(func() { cancel(); done.Wait() })
}

// launch has the host accept a frame.
func (s *stage) launch(f frame.Frame) {
	s.t.Helper()
	if err := s.host.Launch(s.t.Context(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diary = append(s.diary, what)
}

func (s *stage) end(frameID string) chan frame.Exit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ends[frameID] == nil {
		s.ends[frameID] = make(chan frame.Exit, 1)
	}
	return s.ends[frameID]
}

// Run implements host.Runner: a kill ends the frame, as does the test.
func (s *stage) Run(ctx context.Context, j *runner.Job) (frame.Exit, error) {
	id := j.Promise().Frame.ID
	s.note("run " + id)
	select {
	case e := <-s.end(id):
		return e, nil
	case <-j.Killed():
		return frame.Exit{Reason: frame.ReasonKilled}, nil
	case <-ctx.Done():
		return frame.Exit{}, ctx.Err()
	}
}

func (s *stage) Ready() error { return s.ready }

func (s *stage) Discard(j *runner.Job) { s.note("discard " + j.Promise().Frame.ID) }

func (s *stage) Poke()       { s.note("changed") }
func (s *stage) FrameEnded() { s.note("ended") }

func (s *stage) Put(name string, v any) error {
	if s.holdPut != nil {
		<-s.holdPut
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failPut != nil {
		return s.failPut
	}
	s.journal[name] = v
	s.diary = append(s.diary, "promise "+name)
	return nil
}

func (s *stage) Delete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failDelete != nil {
		return s.failDelete
	}
	s.diary = append(s.diary, "forget "+name)
	delete(s.journal, name)
	return nil
}

func (s *stage) Host() (frame.Host, error) { return frame.Host{Name: "render01"}, nil }

func (s *stage) GPUs() []machine.GPU {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cards
}

// box is the stage as an outbox: its Delete would collide with the journal's.
type box struct{ *stage }

func (b box) Add(c frame.Completion) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failAdd != nil {
		return b.failAdd
	}
	b.outbox = append(b.outbox, c)
	b.diary = append(b.diary, "owe "+c.Running.Frame.ID)
	return nil
}

func (b box) Drop(frameID string) error {
	b.note("drop " + frameID)
	return nil
}

func order(id, resource string, cores frame.CorePoints) frame.Frame {
	return frame.Frame{ID: id, ResourceID: resource, Name: "0001-test", JobName: "job", Cores: cores}
}

func TestFrameLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 300))
		if have, want := s.host.Report().Cores, (frame.Cores{Total: 400, Idle: 100, Booked: 300}); have != want {
			t.Errorf("while it runs: have %+v, want %+v", have, want)
		}
		if _, err := s.host.Running("f1"); err != nil {
			t.Errorf("running frame: %v", err)
		}
		s.end("f1") <- frame.Exit{Reason: frame.ReasonExit, Code: 7, RunTime: 3 * time.Second}
		synctest.Wait()
		if len(s.outbox) != 1 || s.outbox[0].ExitStatus != 7 || s.outbox[0].RunTime != 3*time.Second {
			t.Errorf("have completions %+v, want one with status 7 after 3 s", s.outbox)
		}
		if have, want := s.host.Report().Cores, (frame.Cores{Total: 400, Idle: 400}); have != want {
			t.Errorf("afterwards: have %+v, want %+v", have, want)
		}
		if _, err := s.host.Running("f1"); !errors.Is(err, frame.ErrNotRunning) {
			t.Errorf("ended frame: have %v, want %v", err, frame.ErrNotRunning)
		}
		want := []string{"promise f1", "drop f1", "run f1", "owe f1", "forget f1", "discard f1", "ended"}
		if !slices.Equal(s.diary, want) {
			t.Errorf("have %v\nwant %v", s.diary, want)
		}
	})
}

func TestLaunchRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 100))
		check := func(what string, f frame.Frame, want error) {
			t.Helper()
			if have := s.host.Launch(t.Context(), f); !errors.Is(have, want) {
				t.Errorf("%s: have %v, want %v", what, have, want)
			}
		}
		check("same frame, same resource", order("f1", "r1", 100), nil)
		check("same frame, other resource", order("f1", "r2", 100), frame.ErrDuplicate)
		again := order("f1", "r1", 100)
		again.StartTime = 1
		check("same frame and resource, dispatched again", again, frame.ErrDuplicate)
		check("more than idle", order("f2", "r2", 400), frame.ErrNoResources)
		s.host.ShutdownWhenIdle()
		check("draining", order("f2", "r2", 100), frame.ErrRefused)
		check("draining, same frame and resource", order("f1", "r1", 100), nil)
		s.host.UnlockAll()
		check("open again", order("f2", "r2", 100), nil)
		s.ready = fmt.Errorf("%w: no engine", frame.ErrUnavailable)
		check("engine away", order("f3", "r3", 100), frame.ErrUnavailable)
		check("engine away, frame is here", order("f2", "r2", 100), nil)
		s.ready, s.failPut = nil, errors.New("disk full")
		check("journal cannot be written", order("f3", "r3", 100), frame.ErrUnavailable)
		if have, want := s.host.Report().Cores, (frame.Cores{Total: 400, Idle: 200, Booked: 200}); have != want {
			t.Errorf("refused frames hold cores: have %+v, want %+v", have, want)
		}
	})
}

// TestLaunchTwiceAtOnce sends one frame twenty times at the same moment: one run, and all are told the same.
func TestLaunchTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run()
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if err := s.host.Launch(t.Context(), order("f1", "r1", 100)); err != nil {
				t.Errorf("launch: %v", err)
			}
		})
	}
	calls.Wait()
	if have := s.host.Report().Cores.Booked; have != 100 {
		t.Errorf("have %d core points booked, want 100", have)
	}
}

// TestKillWhilePromised kills a frame whose promise is still being written: it must not be unknown, nor run on.
func TestKillWhilePromised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.holdPut = make(chan struct{})
		s.run()
		var calls sync.WaitGroup
		calls.Go(func() { _ = s.host.Launch(t.Context(), order("f1", "r1", 100)) })
		synctest.Wait()
		calls.Go(func() {
			if err := s.host.Kill("f1", "User: someone"); err != nil {
				t.Errorf("kill: %v", err)
			}
		})
		synctest.Wait()
		close(s.holdPut)
		calls.Wait()
		synctest.Wait()
		if len(s.outbox) != 1 || s.outbox[0].ExitStatus != 1 || s.outbox[0].ExitSignal != 9 {
			t.Errorf("have completions %+v, want one of (1, 9)", s.outbox)
		}
		if err := s.host.Kill("f1", ""); !errors.Is(err, frame.ErrNotRunning) {
			t.Errorf("kill afterwards: have %v, want %v", err, frame.ErrNotRunning)
		}
	})
}

// TestKillThatCannotBeKept kills a frame while the disk is full: it dies, but that must not be
// promised, since the next RQD would not know of it.
func TestKillThatCannotBeKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 100))
		s.failPut = errors.New("disk full")
		if err := s.host.Kill("f1", "User: someone"); !errors.Is(err, frame.ErrUnavailable) {
			t.Errorf("have %v, want %v", err, frame.ErrUnavailable)
		}
		synctest.Wait()
		if len(s.outbox) != 1 || s.outbox[0].ExitSignal != 9 {
			t.Errorf("have completions %+v, want one of a kill", s.outbox)
		}
	})
}

func TestFailedLaunchHoldsItsCores(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 100))
		s.end("f1") <- frame.Exit{Reason: frame.ReasonLaunch}
		time.Sleep(9 * time.Second)
		if have := s.host.Report(); have.Cores.Booked != 100 || len(have.Frames) != 1 {
			t.Errorf("after 9 s: have %+v, want the frame still booked", have)
		}
		time.Sleep(2 * time.Second)
		if have := s.host.Report(); have.Cores.Booked != 0 || len(s.outbox) != 1 || s.outbox[0].ExitStatus != 256 {
			t.Errorf("after 11 s: have %+v and %+v, want none booked and one completion of 256", have, s.outbox)
		}
	})
}

// TestRelaunchWaitsForTheOutbox launches a frame again whose first completion cannot be written yet.
func TestRelaunchWaitsForTheOutbox(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 100))
		s.mu.Lock()
		s.failAdd = errors.New("disk full")
		s.mu.Unlock()
		s.end("f1") <- frame.Exit{Reason: frame.ReasonExit}
		synctest.Wait()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.host.Launch(soon, order("f1", "r1", 100)); !errors.Is(err, frame.ErrUnavailable) {
			t.Errorf("while the disk is full: have %v, want %v", err, frame.ErrUnavailable)
		}
		s.mu.Lock()
		s.failAdd = nil
		s.mu.Unlock()
		if err := s.host.Launch(t.Context(), order("f1", "r1", 100)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		if len(s.outbox) != 1 {
			t.Errorf("have %d completions of the first run, want 1", len(s.outbox))
		}
	})
}

func TestShutdownWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		s.launch(order("f1", "r1", 100))
		s.host.ShutdownWhenIdle()
		select {
		case <-s.host.Quit():
			t.Fatal("quit while a frame runs")
		default:
		}
		s.end("f1") <- frame.Exit{Reason: frame.ReasonExit}
		<-s.host.Quit()
		if len(s.outbox) != 1 {
			t.Error("quit before the completion was safe")
		}
	})
}

// TestDepartureKeepsPromises ends the agent under a running frame: nothing is owed, the promise stays.
func TestDepartureKeepsPromises(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = s.host.Run(ctx) })
	s.launch(order("f1", "r1", 100))
	cancel()
	done.Wait()
	if len(s.outbox) != 0 || s.journal["f1"] == nil {
		t.Errorf("have outbox %v and journal %v, want nothing owed and the promise kept", s.outbox, s.journal)
	}
	if err := s.host.Launch(t.Context(), order("f2", "r2", 100)); !errors.Is(err, frame.ErrUnavailable) {
		t.Errorf("launch while ending: have %v, want %v", err, frame.ErrUnavailable)
	}
}
