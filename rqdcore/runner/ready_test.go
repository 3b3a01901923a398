package runner

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/rqdcore/frame"
)

func TestReadyFollowsTheEngine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	wait := func(what string, is func(error) bool) {
		t.Helper()
		var err error
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if err = s.runner.Ready(); is(err) {
				return
			}
		}
		t.Errorf("%s: have %v", what, err)
	}
	wait("engine answers", func(err error) bool { return err == nil })
	s.engine.GoDown()
	wait("engine is away", func(err error) bool { return errors.Is(err, frame.ErrUnavailable) })
	s.engine.ComeUp()
	wait("engine is back", func(err error) bool { return err == nil })
}

// mute is an engine that can be made to hang: it keeps its connections and answers nothing.
type mute struct {
	*enginetest.Fake
	hangs atomic.Bool
}

func (m *mute) Ping(ctx context.Context) error {
	if m.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return m.Fake.Ping(ctx)
}

// TestReadyFollowsAnEngineThatHangs has an engine whose event stream stays open.
func TestReadyFollowsAnEngineThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mute{Fake: enginetest.NewFake()}
		r := New(Config{Policy: testPolicy(), Containers: m, Observer: m, Log: zerolog.Nop()})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Follow(ctx) }()
		for _, hangs := range []bool{false, true, false} {
			m.hangs.Store(hangs)
			time.Sleep(2 * (pingEvery + pingLimit))
			synctest.Wait()
			if err := r.Ready(); errors.Is(err, frame.ErrUnavailable) != hangs {
				t.Errorf("engine hangs: %t, have %v", hangs, err)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("have %v, want nil", err)
		}
	})
}

func TestSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		space Space
		want  string
	}{
		"enough":      {Space{dir, 1}, ""},
		"off":         {Space{dir, 0}, ""},
		"unknown dir": {Space{dir + "/none", 1 << 62}, ""},
		"too little":  {Space{dir, 1 << 62}, "DOCKER_MIN_FREE_SPACE"},
	} {
		err := tc.space.check()
		if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: have %v, want %q", name, err, tc.want)
		}
	}
}
