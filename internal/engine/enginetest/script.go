package enginetest

import (
	"strconv"
	"strings"
	"time"
)

// Script is what the process of a fake container does. The zero value runs silently until a signal
// ends it.
type Script struct {
	// Output are the lines it writes to standard output at once; Errors those to standard error.
	Output []string
	Errors []string
	// Unterminated is a last line without newline.
	Unterminated string
	// Lifetime is how long it runs, and ExitCode what it then ends with; 0 is for ever, and negative
	// ends it before Start returns.
	Lifetime time.Duration
	ExitCode int
	// OOMKilled marks its end as the kernel's doing.
	OOMKilled bool
	// Signals says how it answers signals ("SIGTERM"); those not named do what the kernel does
	// with them by default: SIGTERM ends it with 143. SIGKILL cannot be answered.
	Signals map[string]Reaction
	// StartError keeps it from starting.
	StartError error
	// Health is what its health check says at first; empty is no health check.
	Health string
}

// Reaction is the answer to a signal.
type Reaction struct {
	Ignore bool
	Print  string        // A line written at once.
	After  time.Duration // How long it takes to end then.
	Exit   int
}

// signalNumbers are those that tests send, by the kernel's names without SIG.
func signalNumbers() map[string]int {
	return map[string]int{
		"HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "USR2": 12, "PIPE": 13,
		"ALRM": 14, "TERM": 15, "CHLD": 17, "CONT": 18, "STOP": 19, "TSTP": 20, "URG": 23, "WINCH": 28,
	}
}

// parseSignal accepts what the engine accepts: a name with or without SIG, or a number. It returns
// the full name, or "" for what is no signal.
func parseSignal(text string) (name string, number int) {
	bare := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	for name, number := range signalNumbers() {
		if name == bare || strconv.Itoa(number) == text {
			return "SIG" + name, number
		}
	}
	return "", 0
}

// reaction is what the script does on a signal.
func (s Script) reaction(name string, number int) Reaction {
	if name == "SIGKILL" {
		return Reaction{Exit: 137}
	}
	if r, ok := s.Signals[name]; ok {
		return r
	}
	switch name {
	case "SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGSTOP", "SIGTSTP":
		return Reaction{Ignore: true}
	}
	return Reaction{Exit: 128 + number}
}
