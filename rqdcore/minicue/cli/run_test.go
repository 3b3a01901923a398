package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"rqdswarm/rqdcore/minicue/farm"
)

var times = regexp.MustCompile(`\d+(\.\d+)?s\b`)

func TestRunOfOneFrameShowsItsLogAndExitsAsItDid(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	p := b.minicue("run", "--os", "debian12", "--uid", "1500", "--", "sh", "-c", "id; echo hello; exit 3")
	p.wantExit(t, 3)
	wantText(t, "stdout", p.out.String(), "=== header\n", "uid=", "hello\n", "=== footer\n")
	wantText(t, "stderr", p.err.String(), "1 frame, os debian12, 1 core, 512 MiB\n", "0001-render  started on render01", "failed on render01", "exit status 3")
}

// TestCommandsReachTheShellAsTyped compares what a command sees with what was typed.
func TestCommandsReachTheShellAsTyped(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"one argument is a command line": {[]string{"echo $((6*7)) #ZFRAME# #IFRAME# #FRAME#"}, "42 0007 7 0007-render\n"},
		"several are taken as they are":  {[]string{"printf", "[%s]", "a b", "$HOME", "it's", `"q"`, "*", "", "#IFRAME#"}, `[a b][$HOME][it's]["q"][*][][7]`},
		"flags behind the command":       {[]string{"echo", "--os", "-n", "--"}, "--os -n --\n"},
		"variables":                      {[]string{`echo "$MINE|$CUE_IFRAME|$CUE_LAYER|$CUE_THREADS|$CUE_MEMORY"`}, "a=b,c;d|7|render|2|524288\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"run", "--job", strings.ReplaceAll(name, " ", "_"), "--range", "7", "--env", "MINE=a=b,c;d", "--cores", "2", "--threadable", "--"}, c.args...)
			p := b.minicue(args...)
			p.wantExit(t, 0)
			wantText(t, "log", p.out.String(), "=== header\n"+c.want)
		})
	}
}

func TestRunOfManyFramesIsALineForEachStep(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(r *fakeRQD) { r.points = 100 }) // One after the other.
	logs := t.TempDir()
	p := b.minicue("run", "--os", "debian12", "--user", "artist", "--range", "1-3", "--log-dir", logs, "--", "test #IFRAME# = 1 || exit #IFRAME#")
	p.wantExit(t, 2)
	have := strings.ReplaceAll(times.ReplaceAllString(p.err.String(), "0.0s"), logs, "/logs")
	golden(t, "run.golden", have)
	if p.out.String() != "" {
		t.Errorf("stdout: want nothing for several frames, have:\n%s", p.out)
	}
}

func TestRunRetries(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	mark := filepath.Join(t.TempDir(), "mark")
	p := b.minicue("run", "--retries", "1", "--", "test -e "+mark+" && echo second || { echo first; touch "+mark+"; exit 1; }")
	p.wantExit(t, 0)
	wantText(t, "stderr", p.err.String(), "exit status 1; tries again", "done on render01")
	// The first run's log may be rotated away before anybody could read it.
	wantText(t, "log of the second run", p.out.String(), "=== header\nsecond\n=== footer\n")
}

// TestMemoryFailureEndsARun: a Cuebot would try such a frame again for ever.
func TestMemoryFailureEndsARun(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	p := b.minicue("run", "--", "exit 137")
	p.wantExit(t, 137)
	wantText(t, "stderr", p.err.String(), "exit status 137 (out of memory, or killed with SIGKILL)")

	p = b.minicue("run", "--forever", "--", "exit 137")
	p.err.until(t, "tries again")
	p.signals <- syscall.SIGINT
	p.wantExit(t, 130)
}

func TestRunAsJSON(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	p := b.minicue("run", "--json", "--", "exit 9")
	p.wantExit(t, 9)
	var kinds []farm.EventKind
	for line := range strings.Lines(p.out.String()) {
		var e farm.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		kinds = append(kinds, e.Kind)
	}
	if len(kinds) != 2 || kinds[0] != farm.EventStarted || kinds[1] != farm.EventFailed {
		t.Errorf("events: want started, failed, have %v", kinds)
	}
	if p.err.String() != "" {
		t.Errorf("stderr: want nothing, have %s", p.err)
	}
}

func TestRunSaysWhereAnInvisibleLogIs(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(r *fakeRQD) { r.noLogs = true })
	p := b.minicue("run", "--user", "artist", "--log-dir", "/no/such/place", "--", "true")
	p.wantExit(t, 0)
	wantText(t, "stderr", p.err.String(), "log /no/such/place/demo-test-artist_run.0001-render.rqlog on render01: not visible from here")
}

func TestRunSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	p := b.minicue("run", "--os", "rocky9", "--", "true")
	p.err.until(t, "waiting: render01 has os debian12, not rocky9")
	p.signals <- syscall.SIGINT
	p.wantExit(t, 130)
	wantText(t, "stderr", p.err.String(), "killed: before it ran")
}

func TestInterruptKillsTheFrames(t *testing.T) {
	t.Parallel()
	for sig, code := range map[os.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(r *fakeRQD) { r.points = 100 })
			p := b.minicue("run", "--range", "1-2", "--", "sleep 300")
			p.err.until(t, "started on render01")
			p.signals <- sig
			p.wantExit(t, code)
			for _, f := range b.server.Farm().Frames() {
				if !f.State.Final() {
					t.Errorf("frame %s: want it over, have %s", f.Name, f.State)
				}
			}
			wantText(t, "stderr", p.err.String(), "killing the frames", "0001-render  killed on render01", "0002-render  killed: before it ran", "0 of 2 frames done, 2 killed in ")
		})
	}
}

func TestSecondInterruptDoesNotWait(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(r *fakeRQD) { r.deaf = true })
	p := b.minicue("run", "--", "sleep 300")
	p.err.until(t, "started on render01")
	p.signals <- syscall.SIGINT
	p.err.until(t, "killing the frames")
	p.signals <- syscall.SIGINT
	p.wantExit(t, 130)
	wantText(t, "stderr", p.err.String(), "not waiting for the frames that are being killed")
}

func TestRunAgainstARestartedServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	p := b.minicue("run", "--os", "none", "--", "true")
	p.err.until(t, "waiting")
	// A server that was started anew knows nothing of the job.
	w := &watch{client: newClient(b.control), job: farm.JobView{ID: "gone", Name: "gone"}}
	pages := make(chan page, 1)
	w.readEvents(t.Context(), pages)
	if got := <-pages; got.err == nil || !strings.Contains(got.err.Error(), "job gone is gone, minicue serve was restarted") {
		t.Errorf("have %v", got.err)
	}
	p.signals <- syscall.SIGINT
	p.wantExit(t, 130)
}
