package reconcile

// Observation is everything that one decision looks at.
type Observation struct {
	// Newer and Older say that running supervisors of the same RQD were created after or before us.
	Newer, Older bool
	// Resolved is true once the wanted image is known, so that specs can be compared.
	Resolved bool
	// Current is the container that has RQD's name.
	Current Condition
	// Next is true when a complete RQD of the wanted spec waits under its own name, never started.
	Next bool
	// Retired is true while an RQD that was renamed out of the way still runs.
	Retired bool
	// Litter is true when there are containers of ours that nothing will use any more.
	Litter bool
	// Ending is how far the end of this supervisor has been asked for.
	Ending Ending
	// Lingered is true when the end was asked for so long ago that a newer supervisor which
	// was asked at the same moment would be gone by now.
	Lingered bool
	// Stopping is true while a stop of RQD that we began is at work.
	Stopping bool
}

// Condition is what the container with RQD's name is to us.
type Condition int

// The conditions of the current container. "Other" means another spec or another image.
const (
	Absent       Condition = iota // No container has the name.
	Foreign                       // One has it, and it is not ours.
	Created                       // Ours, wanted spec, never started.
	CreatedOther                  // Ours, other spec, never started.
	Running                       // Ours, wanted spec.
	RunningOther                  // Ours, other spec.
	Unhealthy                     // Ours, wanted spec, unhealthy when we first saw it.
	Exited                        // Ours, ended before we looked.
	Adopted                       // Ours, ended while we watched; another supervisor had started it.
	Ended                         // Ours, started by us, and ended.
	Vanished                      // Ours, watched by us, and removed by someone else.
	Removing                      // Ours, being removed by the engine.
)

// runs says that a process of RQD is alive in this condition.
func (c Condition) runs() bool {
	return c == Running || c == RunningOther || c == Unhealthy
}

// Ending is how far the end of this supervisor has been asked for.
type Ending int

// The endings: one signal asks for grace, the next for haste.
const (
	Staying Ending = iota
	Gracefully
	AtOnce
)

// Step is the one thing to do next.
type Step int

// The steps. The first group changes nothing, the second acts on the engine, the third ends the supervisor.
const (
	Wait    Step = iota // Something is in motion that we do not control.
	StandBy             // A newer supervisor owns RQD.
	Watch               // RQD runs as wanted.
	Linger              // Leave soon; see whether the newer supervisor stays.

	Resolve     // Pull or find the wanted image.
	Prepare     // Create the next RQD under its own name, files included.
	Retire      // Rename the current RQD out of the way; it runs on.
	Promote     // Give the next RQD the name.
	StopRetired // Stop the retired RQD with its grace, and start a current one that waits for that.
	Start       // Start the current RQD.
	Discard     // Remove a current container that does not run.
	Sweep       // Remove litter.
	Stop        // Stop RQD with its grace, because we end.
	Kill        // Kill RQD, because we end now.

	Leave  // End, and leave RQD to another supervisor.
	Finish // End; RQD has been stopped.
	Follow // End, because RQD has ended by itself.
	Refuse // End, because a foreign container has RQD's name.
)

// Final says that the supervisor ends with this step.
func (s Step) Final() bool { return s >= Leave }

// acts says that the step has an effect on the engine.
func (s Step) acts() bool { return s >= Resolve && s < Leave }

// Decide returns the step that brings what is observed nearer to what should be.
func Decide(o Observation) Step {
	switch {
	case o.Ending != Staying:
		return decideEnding(o)
	case o.Newer:
		return StandBy
	default:
		return decideOwner(o)
	}
}

// decideEnding ends this supervisor. Only the last supervisor of a node stops RQD: two
// concurrent stops would leave RQD the shorter grace of the two.
//
// With a newer one alive we wait a moment before we leave. When a whole service is removed
// both are told to end at once, and each would leave RQD to the other. And a stop that we began is
// seen through: Swarm starts the next task a minute into it, and that one adopts an RQD which ends.
func decideEnding(o Observation) Step {
	alive := o.Current.runs() || o.Retired
	switch {
	case o.Newer && o.Ending == Gracefully && o.Stopping:
		return Stop
	case o.Newer && o.Ending == Gracefully && !o.Lingered:
		return Linger
	case o.Newer || o.Older:
		return Leave
	case alive && o.Ending == AtOnce:
		return Kill
	case alive:
		return Stop
	default:
		return Finish
	}
}

// decideOwner moves towards one RQD of the wanted spec. The next RQD is complete before the
// old one is touched, and the old one is stopped only when the next needs nothing but its start.
func decideOwner(o Observation) Step {
	switch o.Current {
	case Foreign:
		return Refuse
	case Ended, Vanished:
		return Follow
	case Adopted:
		// An older supervisor was stopping the RQD that we adopted: its end is not RQD's own.
		if !o.Older {
			return Follow
		}
		return Discard
	case Removing:
		return Wait
	}
	if !o.Resolved {
		return Resolve
	}
	switch {
	case o.Current == CreatedOther || o.Current == Exited:
		return Discard
	case o.Current != Created && o.Current != Running && !o.Next: // Absent, or to be replaced.
		return Prepare
	case o.Current == RunningOther || o.Current == Unhealthy:
		return Retire
	case o.Current == Absent:
		return Promote
	case o.Retired:
		return StopRetired
	case o.Current == Created:
		return Start
	case o.Next || o.Litter:
		return Sweep
	default:
		return Watch
	}
}
