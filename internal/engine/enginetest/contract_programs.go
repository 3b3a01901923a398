package enginetest

import (
	"strings"
	"time"
)

// sleepForEver is a shell's way of waiting that lets it take signals at once.
const sleepForEver = `echo ready; while :; do sleep 0.1; done`

var (
	progSleep = Program{Shell: sleepForEver, Script: Script{Output: []string{"ready"}, Signals: map[string]Reaction{
		// The kernel gives process 1 no signal that it has not asked for.
		"SIGTERM": {Ignore: true},
	}}}
	progExit0 = Program{Shell: `exit 0`, Script: Script{Lifetime: -1}}
	progExit3 = Program{Shell: `exit 3`, Script: Script{Lifetime: -1, ExitCode: 3}}

	progTermExit0 = Program{
		Shell:  `trap 'echo ending; exit 0' TERM; ` + sleepForEver,
		Script: Script{Output: []string{"ready"}, Signals: map[string]Reaction{"SIGTERM": {Print: "ending", Exit: 0}}},
	}
	progTermExit143 = Program{
		Shell:  `trap 'exit 143' TERM; ` + sleepForEver,
		Script: Script{Output: []string{"ready"}},
	}
	progHupExit7 = Program{
		Shell:  `trap 'exit 7' HUP; trap : TERM; ` + sleepForEver,
		Script: Script{Output: []string{"ready"}, Signals: map[string]Reaction{"SIGHUP": {Exit: 7}, "SIGTERM": {Ignore: true}}},
	}
	progDeaf = Program{
		Shell:  `trap 'echo deaf' TERM; ` + sleepForEver,
		Script: Script{Output: []string{"ready"}, Signals: map[string]Reaction{"SIGTERM": {Ignore: true, Print: "deaf"}}},
	}
	progUsr1 = Program{
		Shell:  `trap 'echo usr1' USR1; ` + sleepForEver,
		Script: Script{Output: []string{"ready"}, Signals: map[string]Reaction{"SIGUSR1": {Ignore: true, Print: "usr1"}}},
	}
	progLines = Program{
		Shell:  `echo one; echo; echo three; echo four >&2`,
		Script: Script{Output: []string{"one", "", "three"}, Errors: []string{"four"}, Lifetime: -1},
	}
	progPaced = Program{
		Shell:  `trap 'echo last; exit 0' USR2; trap 'echo usr1' USR1; ` + sleepForEver,
		Script: Script{Output: []string{"ready"}, Signals: map[string]Reaction{"SIGUSR1": {Ignore: true, Print: "usr1"}, "SIGUSR2": {Print: "last"}}},
	}
	progUnterminated = Program{
		Shell:  `echo one; printf two`,
		Script: Script{Output: []string{"one"}, Unterminated: "two", Lifetime: time.Millisecond},
	}
	progLong = Program{
		Shell:  `head -c 50000 /dev/zero | tr '\0' x; echo; echo after`,
		Script: Script{Output: []string{strings.Repeat("x", 50000), "after"}, Lifetime: -1},
	}
	progReadFile = Program{
		Shell:  `cat /etc/rqd/deep/note; echo; stat -c '%a %u' /etc/rqd /etc/rqd/deep/note /tmp; cat /var/run/linked`,
		Script: Script{Output: []string{"written", "755 0", "640 1500", "1777 0", "through a link"}, Lifetime: -1},
	}
)
