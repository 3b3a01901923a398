package runner

import (
	"errors"
	"strings"
	"testing"
	"time"

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
