package reconcile

import "fmt"

var conditionNames = [...]string{
	"absent", "foreign", "created", "created-other", "running", "running-other", "unhealthy",
	"exited", "adopted-ended", "ended", "vanished", "removing",
}

var endingNames = [...]string{"staying", "gracefully", "at-once"}

var stepNames = [...]string{
	"wait", "stand-by", "watch", "linger",
	"resolve", "prepare", "retire", "promote", "stop-retired", "start", "discard", "sweep", "stop", "kill",
	"leave", "finish", "follow", "refuse",
}

// String is the condition's name in logs and golden files.
func (c Condition) String() string { return nameOf(conditionNames[:], int(c)) }

// String is the ending's name in logs and golden files.
func (e Ending) String() string { return nameOf(endingNames[:], int(e)) }

// String is the step's name in logs and golden files.
func (s Step) String() string { return nameOf(stepNames[:], int(s)) }

// phrase is the step as the verb of an error.
func (s Step) phrase() string {
	switch s {
	case Resolve:
		return "get rqd's image"
	case Prepare:
		return "create rqd's container"
	case Start:
		return "start rqd"
	case Stop, StopRetired, Kill:
		return "stop rqd"
	default:
		return "replace rqd"
	}
}

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("unknown-%d", i)
	}
	return names[i]
}
