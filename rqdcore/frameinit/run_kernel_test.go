package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rqdswarm/internal/capability"
	"rqdswarm/internal/wire"
)

func TestRunLogLimit(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	o := order("while :; do echo 0123456789; done")
	o.LogBytes, o.LogMaxBytes, o.LogPath = 500, 1000, "/net/log/x.rqlog"
	exit, _ := s.run(o)
	want := strings.Repeat("0123456789\n", 46)[:500] + "\nframe"
	if exit.Cause != wire.CauseLogLimit || exit.Detail != "log has 1000 bytes, JOB_LOG_MAX_SIZE_IN_BYTES is 1000: /net/log/x.rqlog" {
		t.Errorf("have cause %s, detail %q, want the log's limit", exit.Cause, exit.Detail)
	}
	if have := s.text(); !strings.HasPrefix(have, want) || !strings.HasSuffix(have, "\nframeinit: frame killed: "+exit.Detail+"\n") {
		t.Errorf("rqlog %q, want 500 bytes of output and why it ends", have)
	}
}

func TestRunMeasures(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	s.give(order(`dd if=/dev/zero of=/dev/null bs=50000000 count=2 2>/dev/null; echo measure; i=0; while test $i -lt 300000; do i=$((i+1)); done; sleep 999`))
	s.awaitText("measure\n")
	f := s.await(func(m wire.Message) bool {
		return m.Figures != nil && m.Figures.UserMillis+m.Figures.SystemMillis > 50 && len(m.Figures.Processes) > 0
	}).Figures
	must(t, s.peer.Kill(wire.Kill{}))
	exit, _ := s.exit()
	if peak := exit.Figures.MaxRSS; peak < 48_000 || peak > 80_000 {
		t.Errorf("peak %d KiB, want about 50,000", peak)
	}
	if p := f.Processes[0]; p.Name == "" || p.Cmdline == "" || p.VSize == 0 || p.State == "" || time.Since(time.UnixMilli(p.UnixMillis)) > time.Minute {
		t.Errorf("have process %+v, want one just started with all of its fields", p)
	}
	if f.VSize == 0 || f.MaxVSize < f.VSize {
		t.Errorf("have vsize %d, peak %d", f.VSize, f.MaxVSize)
	}
}

// The command, and what it starts, has exactly the capabilities that the order names, and none can be gained.
func TestRunGivesCapabilities(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	o := order(`sh -c "grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status; true"`)
	o.Capabilities = capability.Set([]string{"SYS_PTRACE", "SYS_NICE"})
	s.run(o)
	const want = "CapInh:\t0000000000880000\nCapPrm:\t0000000000880000\nCapEff:\t0000000000880000\nCapAmb:\t0000000000880000\nNoNewPrivs:\t1\n"
	if log := s.text(); !strings.Contains(log, want) {
		t.Errorf("rqlog misses %q:\n%s", want, log)
	}
}

// Without a pid namespace of its own frameinit must not signal what it did not start.
func TestRunInTheHostsPIDNamespace(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.session.SharesHostPID()
	bystander := startBystander(t)
	s.startWith(syscall.CLONE_NEWNS)
	o := order(`setsid sh -c 'trap "" TERM; echo deaf; sleep 999' & echo up; sleep 999`)
	o.UID = lonelyUID()
	s.give(o)
	s.awaitText("up\n")
	s.awaitText("deaf\n")
	must(t, s.peer.Kill(wire.Kill{GraceMillis: 100}))
	exit, _ := s.exit()
	if exit.Cause != wire.CauseKill || exit.Signal != 15 {
		t.Errorf("have cause %s, signal %d, want kill, 15", exit.Cause, exit.Signal)
	}
	if err := syscall.Kill(bystander, 0); err != nil {
		t.Errorf("another process of the artist: %v, want it alive", err)
	}
}

// A pipe that nobody reads stands for a file system that hangs.
func TestRunHangingLogDelaysNoKill(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.start()
	s.await(func(m wire.Message) bool { return m.Hello != nil })
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	fill(t, w)
	must(t, s.peer.Order(order("echo 0123456789; : >wrote; while :; do echo 0123456789; done"), w))
	must(t, w.Close())
	s.await(func(m wire.Message) bool {
		_, err := os.Stat(filepath.Join(s.root, "tmp/wrote"))
		return m.Figures != nil && err == nil
	})
	begin := time.Now()
	must(t, s.peer.Kill(wire.Kill{GraceMillis: 1000}))
	exit, _ := s.exit()
	if took := time.Since(begin); took > drainLimit+5*time.Second || exit.Cause != wire.CauseKill || exit.Figures.LogLost == 0 {
		t.Errorf("have cause %s, %d bytes lost, after %v, want a kill that takes no longer than the drain", exit.Cause, exit.Figures.LogLost, took)
	}
}

// fill leaves no room in a pipe that nobody reads: whoever writes to it hangs at the first byte.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	fd := int(w.Fd()) // Blocking from here on, as frameinit wants it.
	must(t, syscall.SetNonblock(fd, true))
	for {
		if _, err := syscall.Write(fd, make([]byte, 4096)); err != nil {
			if err != syscall.EAGAIN {
				t.Fatal(err)
			}
			break
		}
	}
	must(t, syscall.SetNonblock(fd, false))
}

// softFiles is the limit of open files that the command has to see: Go programs raise their own.
func softFiles(t *testing.T) string {
	t.Helper()
	c := exec.Command("/bin/sh", "-c", "ulimit -Sn")
	out, err := c.Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}
