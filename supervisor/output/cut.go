package output

import (
	"time"

	"rqdswarm/supervisor/swarm"
)

// Handover is for how long after the start of a newer supervisor the older one still prints RQD's
// output. Both know the newer one's start to the nanosecond, from the engine, so that each line is
// printed by exactly one of them; the delay is what the older one needs to notice.
const Handover = 2 * time.Second

// Cut is the time from which self prints the output of an RQD that it adopts. Up to there another
// supervisor did: one that still lived when we started prints until the hand-over, a dead one
// printed until its end, as did we in an earlier run of our own container. Without any trace of another it is our own start.
func Cut(self swarm.Self, peers []swarm.Peer) time.Time {
	cut := self.Ended
	for _, p := range peers {
		newer := p.Created.After(self.Created)
		end := self.Started.Add(Handover)
		switch {
		case newer && p.Running():
			continue // It owns RQD; there is nothing of ours to print.
		case newer, !p.Running() && p.Finished.Before(end):
			end = p.Finished
		}
		if end.After(cut) {
			cut = end
		}
	}
	if cut.IsZero() {
		return self.Started
	}
	return cut
}

// LastOwned is the time until which self prints RQD's output when newer supervisors live: the oldest
// of them takes over. It is zero when there are none.
func LastOwned(self swarm.Self, peers []swarm.Peer) time.Time {
	var until time.Time
	for _, p := range peers {
		newer := p.Running() && p.Created.After(self.Created)
		if t := p.Started.Add(Handover); newer && (until.IsZero() || t.Before(until)) {
			until = t
		}
	}
	return until
}
