package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// readLog returns the text of the lines that Logs delivers.
func (s Subject) readLog(t *testing.T, id string, o engine.LogOptions) []string {
	t.Helper()
	var texts []string
	for _, l := range s.readLines(t, id, o) {
		texts = append(texts, string(l.Text))
	}
	return texts
}

func (s Subject) readLines(t *testing.T, id string, o engine.LogOptions) []engine.LogLine {
	t.Helper()
	var lines []engine.LogLine
	err := s.Engine.Logs(t.Context(), id, o, func(l engine.LogLine) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		t.Fatalf("logs: %v", err)
	}
	return lines
}

// ended runs a program to its end.
func (s Subject) ended(t *testing.T, p Program) string {
	t.Helper()
	id := s.make(t, p)
	s.start(t, id)
	s.awaitEnd(t, id)
	return id
}

func logBehaviours() []behaviour {
	return []behaviour{
		{"log has every line with its stream and time", func(t *testing.T, s Subject) {
			began := time.Now().Add(-time.Second)
			var out, errs []string
			var last time.Time
			for _, l := range s.readLines(t, s.ended(t, progLines), engine.LogOptions{}) {
				if l.Stderr {
					errs = append(errs, string(l.Text))
					continue
				}
				out = append(out, string(l.Text))
				if !l.Time.After(last) || l.Time.Before(began) {
					t.Errorf("want times to grow from %v, have %v after %v", began, l.Time, last)
				}
				last = l.Time
			}
			if !slices.Equal(out, []string{"one", "", "three"}) || !slices.Equal(errs, []string{"four"}) {
				t.Errorf("want one, an empty line, three, and four as an error; have %q and %q", out, errs)
			}
		}},
		{"tail and since leave out what is older", showTailAndSince},
		{"followed log ends with the container", func(t *testing.T, s Subject) {
			id := s.make(t, progPaced)
			s.start(t, id)
			s.awaitLine(t, id, "ready")
			if err := s.Engine.Signal(t.Context(), id, "SIGUSR2"); err != nil {
				t.Fatalf("signal: %v", err)
			}
			want := []string{"ready", "last"}
			if have := s.readLog(t, id, engine.LogOptions{Follow: true}); !slices.Equal(have, want) {
				t.Errorf("want %q, have %q", want, have)
			}
		}},
		{"cursor carries on after a cut, without loss or repeat", showCursor},
		{"long line arrives whole", func(t *testing.T, s Subject) {
			want := []string{strings.Repeat("x", 50000), "after"}
			if have := s.readLog(t, s.ended(t, progLong), engine.LogOptions{Follow: true}); !slices.Equal(have, want) {
				t.Errorf("want 50,000 x and a further line, have %d lines, %d in the first", len(have), len(strings.Join(have[:1], "")))
			}
		}},
		{"last line without its end is delivered after the end", func(t *testing.T, s Subject) {
			want := []string{"one", "two"}
			if have := s.readLog(t, s.ended(t, progUnterminated), engine.LogOptions{}); !slices.Equal(have, want) {
				t.Errorf("want %q, have %q", want, have)
			}
		}},
		{"caller's error ends the log and comes back", func(t *testing.T, s Subject) {
			enough := errors.New("enough")
			calls := 0
			err := s.Engine.Logs(t.Context(), s.ended(t, progLines), engine.LogOptions{}, func(engine.LogLine) error {
				calls++
				return enough
			})
			if !errors.Is(err, enough) || calls != 1 {
				t.Errorf("want the error after one call, have %v after %d", err, calls)
			}
		}},
		{"cancelled follower ends", func(t *testing.T, s Subject) {
			id := s.make(t, progSleep)
			s.start(t, id)
			ctx, cancel := context.WithCancel(t.Context())
			err := s.Engine.Logs(ctx, id, engine.LogOptions{Follow: true}, func(engine.LogLine) error {
				cancel()
				return nil
			})
			wantErr(t, err, context.Canceled)
		}},
	}
}

func showTailAndSince(t *testing.T, s Subject) {
	id := s.ended(t, progLines)
	all := s.readLines(t, id, engine.LogOptions{})
	slices.SortFunc(all, func(a, b engine.LogLine) int { return a.Time.Compare(b.Time) })
	if have := s.readLog(t, id, engine.LogOptions{Tail: 1}); len(have) != 1 {
		t.Errorf("want one line, have %q", have)
	}
	if have := s.readLog(t, id, engine.LogOptions{Since: all[2].Time}); len(have) != 2 {
		t.Errorf("want the two lines since the third's time, have %q", have)
	}
	if have := s.readLog(t, id, engine.LogOptions{Since: all[3].Time.Add(1)}); len(have) != 0 {
		t.Errorf("want nothing since after the last, have %q", have)
	}
}

func showCursor(t *testing.T, s Subject) {
	id := s.make(t, progPaced)
	s.start(t, id)
	cut := errors.New("cut")
	var cursor engine.LogCursor
	var have []string
	for _, signal := range []string{"SIGUSR1", "SIGUSR1", "SIGUSR2"} {
		err := s.Engine.Logs(t.Context(), id, engine.LogOptions{Follow: true, Cursor: &cursor}, func(l engine.LogLine) error {
			have = append(have, string(l.Text))
			return cut
		})
		wantErr(t, err, cut)
		if err := s.Engine.Signal(t.Context(), id, signal); err != nil {
			t.Fatalf("signal: %v", err)
		}
	}
	err := s.Engine.Logs(t.Context(), id, engine.LogOptions{Follow: true, Cursor: &cursor}, func(l engine.LogLine) error {
		have = append(have, string(l.Text))
		return nil
	})
	want := []string{"ready", "usr1", "usr1", "last"}
	if err != nil || !slices.Equal(have, want) {
		t.Errorf("want %q, have %q and %v", want, have, err)
	}
}
