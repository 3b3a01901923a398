//go:build integration

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// TestRealOutputIsCompleteAndOnce has an RQD write all the time, its log file be rotated, and its supervisors be killed:
// once by SIGKILL and replaced, once by SIGKILL and started again, once by an update of nothing but the supervisor.
func TestRealOutputIsCompleteAndOnce(t *testing.T) {
	l := newLab(t)
	args := "RQD_RUN_ARGS=--log-opt max-size=20k --log-opt max-file=5"
	first := l.supervisor(chatty, args)
	before := l.rqdRuns(chatty)
	l.wrote(first, 100)
	l.signal(first, "KILL")
	l.ended(first, 137)

	next := l.supervisor(chatty, args)
	l.wrote(next, 400)
	l.signal(next, "KILL")
	l.ended(next, 137)
	if err := l.client.Start(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	l.wrote(next, 700)

	last := l.supervisor(chatty, args)
	l.wrote(last, 1000)
	l.signal(next, "TERM")
	l.ended(next, 0)
	l.wrote(last, 1300)
	if after := l.rqdRuns(chatty); after.ID != before.ID {
		t.Error("want the same rqd all the time, have another")
	}
	l.signal(last, "TERM")
	l.ended(last, 0)
	l.nothingLeft()

	times, newest := map[string]int{}, 0
	for _, id := range []string{first, next, last} {
		for line := range strings.Lines(l.logs(id)) {
			var n int
			if _, err := fmt.Sscanf(line, "line %d\n", &n); err == nil {
				times[strings.TrimSpace(line)]++
				newest = max(newest, n)
			}
		}
	}
	for n := 1; n <= newest; n++ {
		if have := times[fmt.Sprintf("line %d", n)]; have != 1 {
			t.Errorf("line %d of %d: want it once, have it %d times", n, newest, have)
		}
	}
	if end := fmt.Sprintf("end %d\n", newest); !strings.Contains(l.logs(last), end) {
		t.Errorf("want rqd's last words %q printed, have %d lines", end, newest)
	}
}

// wrote waits until a supervisor has printed line n or a later one.
func (l *lab) wrote(id string, n int) {
	l.t.Helper()
	since := time.Time{}
	l.until(fmt.Sprintf("at line %d", n), id, func(engine.Container) bool {
		found := false
		err := l.client.Logs(l.t.Context(), id, engine.LogOptions{Since: since}, func(line engine.LogLine) error {
			var have int
			if _, err := fmt.Sscanf(string(line.Text), "line %d", &have); err == nil && have >= n {
				found = true
			}
			since = line.Time
			return nil
		})
		return err == nil && found
	})
}
