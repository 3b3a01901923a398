package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rqdswarm/internal/wire"
)

// The tests in this file run the real program as process 1 of a pid namespace.

func TestRunTellsHowTheCommandEnded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, command      string
		code, signal, exit int
	}{
		{"well", "echo hello", 0, 0, 0},
		{"with a code", "exit 3", 3, 0, 3},
		{"by a signal", "kill -9 $$", 0, 9, 137},
		{"with the code of a signal", "exit 137", 137, 0, 137},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			exit, code := s.run(order(tc.command))
			if exit.Cause != wire.CauseExit || exit.Code != tc.code || exit.Signal != tc.signal || code != tc.exit {
				t.Errorf("have cause %s, code %d, signal %d, exit code %d, want exit, %d, %d, %d",
					exit.Cause, exit.Code, exit.Signal, code, tc.code, tc.signal, tc.exit)
			}
			printed, err := wire.ParseRecord(s.stdout.Bytes())
			if err != nil {
				t.Fatalf("record on stdout: %v", err)
			}
			if have, want := asJSON(t, printed), asJSON(t, exit); have != want {
				t.Errorf("printed record\nhave %s\nwant %s", have, want)
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return string(text)
}

func TestRunTheCommandIsTheArtist(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	o := order(`id -u; id -g; id -G; grep -E '^(Sig(Blk|Ign)|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status; ulimit -Sn
echo home=$HOME user=$USER logname=$LOGNAME shell=$SHELL image=$FROM_IMAGE job=$JOB
echo token=$RQD_FRAME_TOKEN; cat /proc/1/environ || echo hidden; ls /proc/1/fd || echo hidden too
pwd; cat /etc/passwd; cut -d' ' -f19 /proc/self/stat; read line || echo no stdin`)
	o.Groups, o.Nice, o.Environment["JOB"], o.Environment[wire.TokenEnv] = []int{4000, 20, 4001}, 5, "it's", "x"
	s.run(o)
	log := s.text()
	for _, want := range []string{
		"1500\n20\n20 4000 4001\n",
		"SigBlk:\t0000000000000000\n",
		"CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n" + softFiles(t) + "\n",
		"home=/home/artist user=artist logname=artist shell=/bin/sh image=yes job=it's\n",
		"token=\n", "hidden\n", "hidden too\n", "/tmp\nartist:x:1500:20::/home/artist:/bin/sh\n5\nno stdin\n",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("rqlog misses %q", want)
		}
	}
	// Signals 32 and 33 are the C library's own; a GNU make above this test leaves them ignored.
	if !regexp.MustCompile(`SigIgn:\t[0-9a-f]{8}[08]0{7}\n`).MatchString(log) {
		t.Error("the command starts with signals ignored")
	}
	if strings.Contains(log, "secret") {
		t.Error("the command sees the token")
	}
	if t.Failed() {
		t.Log(log)
	}
}

// Out of memory, the command goes first: frameinit is the one that tells.
func TestRunTheCommandIsSoonerOutOfMemory(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	s.give(order("cat /proc/self/oom_score_adj; while ! test -e /tmp/go; do sleep 0.02; done; exec cat /proc/self/oom_score_adj"))
	own, err := os.ReadFile("/proc/self/oom_score_adj")
	must(t, err)
	before, err := strconv.Atoi(strings.TrimSpace(string(own)))
	must(t, err)
	want := fmt.Sprintf("%d\n", min(before+oomMargin, oomHighest))
	s.awaitText(want)
	s.await(func(m wire.Message) bool { return m.Started != nil })
	have, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", s.process.Process.Pid))
	must(t, err)
	if string(have) != string(own) {
		t.Errorf("frameinit's own oom_score_adj is %q once the command runs, want %q as before", have, own)
	}
	copyFile(t, "/dev/null", s.root+"/tmp/go")
	if s.exit(); s.text() != want+want {
		t.Errorf("rqlog %q, want %q", s.text(), want+want)
	}
}

func TestRunRefusesRoot(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	o := order("id")
	o.UID = 0
	exit, code := s.run(o)
	if exit.Cause != wire.CauseLaunch || code != exitLaunch || !strings.Contains(s.text(), "no frame runs as root") {
		t.Errorf("have cause %s, exit code %d, log %q, want a refusal", exit.Cause, code, s.text())
	}
}

func TestRunSaysWhatIsWrongWithTheImage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, shell, want string }{
		{"no shell", "/usr/bin/zsh", "frameinit: cannot start the command: image img:1 has no /usr/bin/zsh: set DOCKER_SHELL_PATH in [docker.config] to a shell that it has, for example /bin/sh\n"},
		{"a directory", "/bin", "frameinit: cannot start the command: /bin of image img:1 is a directory: set DOCKER_SHELL_PATH in [docker.config] to a shell, for example /bin/sh\n"},
		{"not executable", "/etc/group", "frameinit: cannot start the command: /etc/group of image img:1 (DOCKER_SHELL_PATH) may not be executed by uid 1500\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			o := order("true")
			o.Shell = tc.shell
			exit, code := s.run(o)
			if have := s.text(); have != tc.want {
				t.Errorf("rqlog\nhave %s\nwant %s", have, tc.want)
			}
			if exit.Cause != wire.CauseLaunch || code != exitLaunch || "frameinit: "+exit.Detail+"\n" != tc.want {
				t.Errorf("have cause %s, detail %q, exit code %d, want launch, the same text, %d", exit.Cause, exit.Detail, code, exitLaunch)
			}
		})
	}
}

func TestRunGoesOnWithoutWorkingDir(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	o := order("pwd")
	o.WorkingDir = "/net/show"
	s.run(o)
	want := "frameinit: working directory /net/show cannot be entered (no such file or directory), the command runs in /\n/\n"
	if have := s.text(); have != want {
		t.Errorf("rqlog %q, want %q", have, want)
	}
}

func TestRunKill(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, command string
		grace         time.Duration
		want          string
		signal        int
	}{
		{"ends at SIGTERM", `trap 'echo cleaned up; exit 4' TERM; echo up; while :; do :; done`, limit, "up\ncleaned up\n", 0},
		{"deaf", `trap '' TERM; echo up; while :; do sleep 1; done`, 100 * time.Millisecond, "up\n", 9},
		{"deaf, with detached children", `trap '' TERM; setsid sh -c 'sleep 999' & sleep 999 & echo up; while :; do sleep 1; done`, 100 * time.Millisecond, "up\n", 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			s.start()
			s.give(order(tc.command))
			s.awaitText("up\n")
			must(t, s.peer.Kill(wire.Kill{GraceMillis: int(tc.grace.Milliseconds())}))
			exit, _ := s.exit()
			if exit.Cause != wire.CauseKill || exit.Signal != tc.signal || s.text() != tc.want {
				t.Errorf("have cause %s, signal %d, log %q, want kill, %d, %q", exit.Cause, exit.Signal, s.text(), tc.signal, tc.want)
			}
		})
	}
}

func TestRunKillBeforeTheStart(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	s.await(func(m wire.Message) bool { return m.Hello != nil })
	must(t, s.peer.Kill(wire.Kill{}))
	exit, code := s.exit()
	if exit.Cause != wire.CauseKill || exit.RunMillis != 0 || code != exitCalledOff {
		t.Errorf("have cause %s, %d ms, exit code %d, want kill, 0, %d", exit.Cause, exit.RunMillis, code, exitCalledOff)
	}
}

func TestRunLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	begin := time.Now()
	exit, _ := s.run(order(`mkfifo /tmp/fifo; sleep 999 >/tmp/fifo & (trap 'echo last words; exit' TERM; echo up; while read x; do :; done </tmp/fifo) & setsid sleep 999 & sleep 0.1; exit 7`))
	if have, want := s.text(), "up\nlast words\n"; exit.Code != 7 || exit.Cause != wire.CauseExit || have != want {
		t.Errorf("have code %d, cause %s, log %q, want 7, exit, %q", exit.Code, exit.Cause, have, want)
	}
	if took := time.Since(begin); took > limit/2 {
		t.Errorf("took %v: a detached sleep was waited for", took)
	}
}

func TestRunUnannouncedSignalIsTheInfrastructures(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	s.give(order("echo up; sleep 999"))
	s.awaitText("up\n")
	must(t, s.process.Process.Signal(syscall.SIGTERM))
	exit, code := s.exit()
	if exit.Cause != wire.CauseSignal || exit.Signal != 15 || code != 143 {
		t.Errorf("have cause %s, signal %d, exit code %d, want signal, 15, 143", exit.Cause, exit.Signal, code)
	}
}

// The artist's own processes can send any signal to process 1. None ends it behind RQD's back.
func TestRunSurvivesTheArtistsSignals(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	exit, _ := s.run(order(`for n in 1 3 4 5 6 7 8 9 10 11 12 13 14 16 19 20 21 22 24 25 26 27 29 30 31; do kill -$n 1; done; sleep 0.2; exit 6`))
	if exit.Cause != wire.CauseExit || exit.Code != 6 {
		t.Errorf("have cause %s, code %d, want exit, 6", exit.Cause, exit.Code)
	}
}

func TestRunFrameSurvivesTheDeathOfRQD(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	s.give(order("echo one; while ! test -e /tmp/go; do sleep 0.02; done; echo two; sleep 999"))
	s.awaitText("one\n")
	must(t, s.server.Close())
	copyFile(t, "/dev/null", s.root+"/tmp/go")
	s.awaitText("two\n") // Nobody is there, and not a line is delayed.
	s.listen()
	hello := s.await(func(m wire.Message) bool { return m.Hello != nil }).Hello
	if hello.Phase != wire.PhaseRunning || hello.Started == nil || hello.Figures == nil || hello.Figures.LogBytes != 8 {
		t.Errorf("have hello %s, want running, with its start and figures", asJSON(t, hello))
	}
	must(t, s.peer.Kill(wire.Kill{}))
	if exit, _ := s.exit(); exit.Cause != wire.CauseKill {
		t.Errorf("have cause %s, want kill", exit.Cause)
	}
}

func TestRunEndsWithoutRQD(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	s.give(order("echo up; while ! test -e /tmp/go; do sleep 0.02; done; exit 5"))
	s.awaitText("up\n")
	must(t, s.server.Close())
	copyFile(t, "/dev/null", s.root+"/tmp/go")
	code := s.code()
	exit, err := wire.ParseRecord(s.stdout.Bytes())
	if err != nil || code != 5 || exit.Code != 5 {
		t.Errorf("have record %+v, error %v, exit code %d, want code 5", exit, err, code)
	}
}

func TestRunLeaseEndsTheFrame(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	o := order("echo up; sleep 999")
	o.LeaseSeconds = 1
	s.give(o)
	s.awaitText("up\n")
	select { // A connected rqdcore that says nothing keeps the lease.
	case <-s.ended:
		t.Fatal("frame ended while RQD was connected")
	case <-time.After(1500 * time.Millisecond):
	}
	must(t, s.server.Close())
	s.code()
	exit, err := wire.ParseRecord(s.stdout.Bytes())
	if err != nil || exit.Cause != wire.CauseLease || exit.Detail != "no RQD for 1s (FRAME_LEASE_SECONDS)" {
		t.Errorf("have record %+v, error %v, want the lease's end", exit, err)
	}
}
