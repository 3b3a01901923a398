package output

import (
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/swarm"
)

// TestCut tells the story by seconds: a supervisor is created and started at a second, and may have ended at another.
func TestCut(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }
	peer := func(started, finished float64) swarm.Peer {
		p := swarm.Peer{ID: "p", Created: at(started), Started: at(started)}
		if finished > 0 {
			p.Finished = at(finished)
		}
		return p
	}
	self := swarm.Self{Container: engine.Container{ID: "s"}, Created: at(100), Started: at(100)}
	handover := Handover.Seconds()
	again := self // Its container has run before.
	again.Ended = at(95)
	if have := Cut(again, nil); !have.Equal(at(95)) {
		t.Errorf("run again: cut: want the end of the earlier run, have %s", have)
	}
	if have := Cut(again, []swarm.Peer{peer(50, 97)}); !have.Equal(at(97)) {
		t.Errorf("run again after another: cut: want the later end, have %s", have)
	}
	for name, c := range map[string]struct {
		peers     []swarm.Peer
		cut       float64
		lastOwned float64 // 0 is for ever.
	}{
		"alone":                              {nil, 100, 0},
		"older one lives":                    {[]swarm.Peer{peer(50, 0)}, 100 + handover, 0},
		"older one died long ago":            {[]swarm.Peer{peer(50, 90)}, 90, 0},
		"older one died in the hand-over":    {[]swarm.Peer{peer(50, 101)}, 101, 0},
		"older one died after the hand-over": {[]swarm.Peer{peer(50, 140)}, 100 + handover, 0},
		"several died":                       {[]swarm.Peer{peer(10, 20), peer(50, 90)}, 90, 0},
		"newer one lives":                    {[]swarm.Peer{peer(150, 0)}, 100, 150 + handover},
		"two newer ones live":                {[]swarm.Peer{peer(170, 0), peer(150, 0)}, 100, 150 + handover},
		"newer one died":                     {[]swarm.Peer{peer(150, 180)}, 180, 0},
		"newer one died, older one lives":    {[]swarm.Peer{peer(150, 180), peer(50, 0)}, 180, 0},
	} {
		if have := Cut(self, c.peers); !have.Equal(at(c.cut)) {
			t.Errorf("%s: cut: want %s, have %s", name, at(c.cut), have)
		}
		var want time.Time
		if c.lastOwned > 0 {
			want = at(c.lastOwned)
		}
		if have := LastOwned(self, c.peers); !have.Equal(want) {
			t.Errorf("%s: last owned: want %s, have %s", name, want, have)
		}
	}
}
