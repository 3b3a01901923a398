package farm

// State is where a frame stands, in Cuebot's words.
type State string

// The states. A frame whose order is on its way to the host is RUNNING already, as in Cuebot.
const (
	Waiting   State = "WAITING"
	InFlight  State = "RUNNING"
	Succeeded State = "SUCCEEDED"
	Dead      State = "DEAD"
	Eaten     State = "EATEN" // Ended by a person before it ran.
)

// Final says whether the frame will not run any more.
func (s State) Final() bool { return s != Waiting && s != InFlight }

// Exit statuses that Cuebot gives a meaning to. The second group is its own: an RQD must not send them.
const (
	statusMemory       = 33
	statusKilledMemory = 137
	statusFailedLaunch = 256
	statusSkipRetry    = 286
	signalSkipRetry    = 119
	signalTerm         = 15

	statusNever      = -1
	statusCleared    = 299
	statusOrphan     = 301
	statusFailedKill = 302
	statusHostDown   = 399
	statusEaten      = 506
)

// longestRun is when Cuebot calls any frame too long, in seconds.
const longestRun = 12 * 60 * 60

// ending is all that Cuebot's decision about a completion depends on.
type ending struct {
	Status, Signal int32
	RunTime        int32 // Seconds.
	LogSilent      int64 // Seconds since the last line of the log; 0 when unknown.
	NimbyLocked    bool
	Retries, Max   int
	Timeout        int // Minutes, 0 for none.
	LogTimeout     int // Minutes without a line in the log, 0 for none.
}

// decide says what becomes of a RUNNING frame, in the order of Cuebot's own tests
// (without auto-eat and layer delay rules, which no job here has).
func decide(e ending) State {
	switch {
	case e.Status == 0:
		return Succeeded
	case e.Status == statusSkipRetry, e.Signal == signalSkipRetry && e.Max != 0:
		return Waiting
	case (e.Status == statusFailedLaunch || e.Signal == statusFailedLaunch) && e.Retries < e.Max:
		return Waiting
	case e.NimbyLocked && e.Signal == signalTerm:
		return Waiting
	case e.timedOut():
		return Dead
	case e.Retries >= e.Max && !memoryFailure(e.Status, e.Signal):
		return Dead
	default:
		return Waiting
	}
}

func (e ending) timedOut() bool {
	return e.LogTimeout > 0 && e.LogSilent >= int64(e.LogTimeout)*60 ||
		e.Timeout > 0 && int(e.RunTime) > e.Timeout*60 ||
		e.RunTime > longestRun
}

// memoryFailure is an end that Cuebot answers with more memory and retries that cost nothing.
func memoryFailure(status, signal int32) bool {
	return status == statusMemory || status == statusKilledMemory || signal == statusMemory
}

// countsAsRetry says whether the next start after this status uses up a retry.
func countsAsRetry(status int32) bool {
	switch status {
	case statusNever, statusSkipRetry, statusFailedLaunch, statusCleared, statusOrphan, statusFailedKill, statusHostDown:
		return false
	}
	return true
}
