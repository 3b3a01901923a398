package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// faultKind is one way to break something.
type faultKind string

// The faults, in the words of the table.
const (
	rqdKilled        faultKind = "rqdcore killed"
	rqdStopped       faultKind = "rqdcore stopped"
	rqdKilledOften   faultKind = "rqdcore killed while it adopts"
	rqdKilledLaunch  faultKind = "rqdcore killed at a launch"
	rqdFrozen        faultKind = "rqdcore frozen"
	rqdKilledKept    faultKind = "rqdcore killed under its supervisor"
	supervisorKilled faultKind = "supervisor killed"
	handedOver       faultKind = "handed over to a newer supervisor"
	rqdAway          faultKind = "rqdcore away beyond the lease"
	cuebotDown       faultKind = "cuebot down"
	replyCut         faultKind = "completion applied, connection cut"
	replyError       faultKind = "completion answered with an error"
	replyHang        faultKind = "completion never answered"
	launchCut        faultKind = "launch cut off"
	launchAgain      faultKind = "launch sent again"
	launchElsewhere  faultKind = "frame launched for another resource"
	frameKilled      faultKind = "frame killed through cuebot"
	killedTogether   faultKind = "frame killed at its launch, then rqdcore"
	dockerRemove     faultKind = "docker rm -f"
	dockerKill       faultKind = "docker kill"
	dockerStop       faultKind = "docker stop"
	dockerPrune      faultKind = "docker container prune"
	dockerCleanUp    faultKind = "docker system prune"
	engineCut        faultKind = "engine connections cut"
	engineAway       faultKind = "engine unreachable"
	engineFrozen     faultKind = "engine answers nothing"
	engineRestarted  faultKind = "engine restarted"
	engineKilled     faultKind = "engine killed and started"
	diskFull         faultKind = "state volume full"
	diskReadOnly     faultKind = "state volume read-only"
	diskGarbage      faultKind = "garbage on the state volume"
	logStalled       faultKind = "log directory stalls"
)

// share is how often a fault comes in a round of them.
type share struct {
	kind faultKind
	n    int
}

// surface are the faults around RQD, from Cuebot's calls to what people and night jobs do to containers.
func surface() []share {
	return []share{
		{cuebotDown, 2},
		{replyCut, 3},
		{replyError, 2},
		{replyHang, 1},
		{launchCut, 2},
		{launchAgain, 2},
		{launchElsewhere, 1},
		{frameKilled, 3},
		{dockerRemove, 2},
		{dockerKill, 2},
		{dockerStop, 1},
		{dockerPrune, 1},
		{dockerCleanUp, 1},
		{diskGarbage, 1},
	}
}

// bareGround are those of RQD and of what it stands on, while it is a process.
func bareGround() []share {
	return []share{
		{rqdKilled, 3},
		{rqdStopped, 2},
		{rqdKilledOften, 3},
		{rqdKilledLaunch, 4},
		{killedTogether, 2},
		{rqdFrozen, 1},
		{engineCut, 2},
		{engineAway, 1},
		{engineFrozen, 1},
		{engineRestarted, 1},
		{engineKilled, 1},
		{diskFull, 2},
		{diskReadOnly, 2},
		{logStalled, 2},
	}
}

// keptGround are the same while a supervisor keeps RQD.
func keptGround() []share {
	return []share{
		{rqdKilledKept, 3},
		{supervisorKilled, 3},
		{handedOver, 4},
		{rqdKilled, 2},
		{rqdStopped, 2},
		{rqdKilledLaunch, 2},
		{rqdFrozen, 1},
		{engineCut, 1},
		{engineRestarted, 1},
		{engineKilled, 1},
		{diskFull, 1},
		{logStalled, 1},
	}
}

// fault is one fault of the schedule. What its numbers mean depends on the kind.
type fault struct {
	kind   faultKind
	gap    time.Duration // Before it.
	length time.Duration // How long the trouble lasts.
	pick   float64       // Which victim, or which variant, from 0 to 1.
	repeat int
	kept   bool // A supervisor keeps RQD meanwhile.
}

// plan is what happens beside each other: a surface fault does not wait for RQD to be back.
type plan struct{ surface, ground []fault }

// awayFrom is how many faults around a bare RQD are worth one that takes a whole lease.
const awayFrom = 40

// planned deals n faults, two of five around RQD. The first half of those hits a bare rqdcore, the rest one that a
// supervisor keeps.
func planned(seed uint64, n int) plan {
	ground := n * 2 / 5
	bare := ground / 2
	p := plan{surface: schedule(seed, n-ground, surface()), ground: schedule(seed+1, bare, bareGround())}
	kept := schedule(seed+2, ground-bare, keptGround())
	for i := range kept {
		kept[i].kept = true
	}
	if bare >= awayFrom {
		p.ground[bare/2].kind = rqdAway
	}
	p.ground = append(p.ground, kept...)
	return p
}

// schedule deals n faults: each of the round comes before anything comes more often, so a short run tries much, too.
func schedule(seed uint64, n int, round []share) []fault {
	r := rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- it must be repeatable.
	var deck []faultKind
	faults := make([]fault, 0, n)
	for range n {
		if len(deck) == 0 {
			deck = shuffled(r, round)
		}
		faults = append(faults, fault{
			kind: deck[0], gap: between(r, 100*time.Millisecond, 700*time.Millisecond),
			length: between(r, 0, 1500*time.Millisecond), pick: r.Float64(), repeat: 1 + r.IntN(4),
		})
		deck = deck[1:]
	}
	return faults
}

func shuffled(r *rand.Rand, round []share) []faultKind {
	var deck []faultKind
	for _, s := range round {
		for range s.n {
			deck = append(deck, s.kind)
		}
	}
	r.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

// work is what a frame's command does.
type work struct {
	lines    int           // How many it writes; 0 is without end.
	pause    time.Duration // Between two of them.
	stubborn bool          // Ignores SIGTERM.
	status   int32         // How it ends by itself, as Cuebot is to be told.
	signal   int32
	patience time.Duration // An endless one is killed after this.
	again    int           // How often the same frame is dispatched again at once.
}

func (w work) endless() bool { return w.lines == 0 }

// works is the endless supply of work for one of Cuebot's procs.
type works struct{ r *rand.Rand }

func newWorks(seed uint64, slot int) works {
	return works{rand.New(rand.NewPCG(seed, 1+uint64(slot)))} // #nosec G404,G115 -- it must be repeatable.
}

func (w works) next() work {
	statuses := []int32{0, 0, 0, 1, 3, 33, 255}
	out := work{status: statuses[w.r.IntN(len(statuses))], pause: 50 * time.Millisecond, again: max(0, w.r.IntN(6)-2)}
	switch n := w.r.IntN(20); {
	case n < 8: // A few seconds.
		out.lines = 10 + w.r.IntN(150)
	case n < 11: // Over at once.
		out.lines, out.pause = 1+w.r.IntN(3), 0
	case n < 13: // Much in no time.
		out.lines, out.pause = 20_000+w.r.IntN(20_000), 0
	case n < 14:
		out.lines, out.status, out.signal = 1+w.r.IntN(40), 1, 11
	default:
		out.stubborn = n == 19
		out.patience = between(w.r, time.Second, 15*time.Second)
	}
	return out
}

// command is the shell's text for the run. Every line says whose it is, which one it is, and
// with its period that it is whole.
func (w work) command(run string) string {
	end := fmt.Sprintf("echo @%s end.; exit %d", run, w.status)
	if w.signal != 0 {
		end = fmt.Sprintf("echo @%s end.; kill -%d $$; sleep 60", run, w.signal)
	}
	loop := fmt.Sprintf("i=0; while [ $i -ne %d ]; do i=$((i+1)); echo @%s $i.; sleep %.3f; done; ", w.lastLine(), run, w.pause.Seconds())
	if w.pause == 0 {
		loop = fmt.Sprintf("awk 'BEGIN { for (i = 1; i <= %d; i++) print \"@%s \" i \".\" }'; ", w.lines, run)
	}
	if w.stubborn {
		loop = "trap '' TERM; " + loop
	}
	return loop + end
}

// lastLine is the number after which the loop ends; one that never comes for an endless command.
func (w work) lastLine() int {
	if w.endless() {
		return -1
	}
	return w.lines
}
