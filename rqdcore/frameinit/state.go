package main

// state is where the frame is in its life:
//
//	waiting ──▶ launching ──▶ running ──▶ stopping ──▶ killing
//	   │            │ │                       ▲ │          │
//	   │            │ └────▶ calledOff ───────┘ ▼          │
//	   │            └───────────┴─────────▶ draining ◀─────┘
//	   └────────────────────────────────────▶ done
type state int

const (
	waiting   state = iota // There is no order yet.
	launching              // The command is being started.
	calledOff              // The end was asked for while the command was being started.
	running
	stopping // SIGTERM went to everything that is left; SIGKILL follows at the deadline.
	killing  // SIGKILL goes to everything that is left, until nothing is.
	draining // Nothing is left; the rest of the log is being written.
	done
)

// input is what can change the state.
type input int

const (
	ordered        input = iota
	launched             // The command runs.
	launchFailed         // It does not, and never did.
	endWanted            // A kill, a signal, the lease, the log's limit.
	commandExited        // Others that it started may be left.
	nothingLeft          // No process is.
	deadlinePassed       // The deadline of this state.
	logWritten
)

// next is the whole life of a frame. What a state does not expect changes nothing.
func (s state) next(in input) state {
	if to, ok := transitions[transition{s, in}]; ok {
		return to
	}
	return s
}

type transition struct {
	from state
	on   input
}

var transitions = map[transition]state{
	{waiting, ordered}:        launching,
	{waiting, endWanted}:      done,
	{launching, launched}:     running,
	{launching, launchFailed}: draining,
	{launching, endWanted}:    calledOff,
	{calledOff, launched}:     stopping,
	{calledOff, launchFailed}: draining,
	// Starting it hangs in the kernel, before any of its code ran: process 1 takes it along.
	{calledOff, deadlinePassed}: draining,
	{running, endWanted}:        stopping,
	// What the command leaves in the background must not outlive the frame.
	{running, commandExited}:   stopping,
	{stopping, nothingLeft}:    draining,
	{stopping, deadlinePassed}: killing,
	// There is no way on while a process is stuck: the record is the proof that all are dead.
	{killing, nothingLeft}:     draining,
	{draining, logWritten}:     done,
	{draining, deadlinePassed}: done,
}

func (s state) String() string {
	return [...]string{"waiting", "launching", "called off", "running", "stopping", "killing", "draining", "done"}[s]
}
