//go:build integration

package suite_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rqdswarm/rqdcore/conformance/suite"
	"rqdswarm/rqdcore/cuepb/reportpb"
)

// script runs OpenCue's own client, from PyPI.
const script = "../../../scripts/cuerqd.sh"

// notInstallable is the script's exit code where the registry does not have the package.
const notInstallable = 75

// cuerqd is that client and the RQD it talks to.
type cuerqd struct {
	*suite.Stage
	conf string
	port string
}

// call runs the client with arguments and returns what it printed.
func (c *cuerqd) call(args ...string) (string, error) {
	cmd := exec.Command(script, args...) // #nosec G204 -- our own script.
	cmd.Env = append(os.Environ(), "RQD_CONFIG_FILE="+c.conf, "USER=tester")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *cuerqd) do(args ...string) string {
	out, err := c.call(append([]string{"127.0.0.1"}, args...)...)
	if err != nil {
		c.Errorf("cuerqd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// python runs a line with the client's class of an RQD as h and returns what it printed. It comes from a file: the package takes
// Python's own -c for the option that names its configuration.
func (c *cuerqd) python(line string) string {
	path := filepath.Join(c.Dir(), "line.py")
	text := fmt.Sprintf("import rqd.cuerqd, opencue_proto.rqd_pb2 as p\nh = rqd.cuerqd.RqdHost('127.0.0.1', %s)\n%s\n", c.port, line)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.Fatalf("write %s: %v", path, err)
	}
	out, err := c.call("python", path)
	if err != nil {
		c.Errorf("%s: %v\n%s", line, err, out)
	}
	return out
}

func (c *cuerqd) cores() *reportpb.CoreDetail { return c.Report().GetCoreInfo() }

// TestCuerqd: a real client that none of us wrote. Each of its calls sends LockAll and UnlockAll
// as well, whatever it was asked for, so the locks are tried with the class it is made of.
func TestCuerqd(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), script, "--help").CombinedOutput(); err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == notInstallable {
			t.Skipf("pip cannot install opencue-rqd here: %s", out)
		}
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	s := open(t, suite.Options{})
	o := s.Perform(t.Context(), suite.Check{Name: "cuerqd", Restarts: true, Run: func(stage *suite.Stage) {
		c := &cuerqd{Stage: stage, conf: filepath.Join(stage.Dir(), "cuerqd.conf")}
		_, c.port, _ = net.SplitHostPort(stage.Address())
		if err := os.WriteFile(c.conf, []byte("[Override]\nRQD_GRPC_PORT="+c.port+"\n"), 0o600); err != nil {
			c.Fatalf("write %s: %v", c.conf, err)
		}
		c.questions()
		c.locks()
		c.frames()
		c.idleExit()
		c.exit()
	}})
	for _, text := range append(o.Failed, o.Notes...) {
		t.Error(text)
	}
}

func (c *cuerqd) questions() {
	h := c.Report().GetHost()
	if out := c.do("-s"); !strings.Contains(out, fmt.Sprintf("name: %q", h.GetName())) || !strings.Contains(out, "total_cores: 800") {
		c.Errorf("cuerqd -s printed %s", out)
	}
	// Its -v looks for the host beside the report that it is in.
	if out, err := c.call("127.0.0.1", "-v"); err == nil || !strings.Contains(out, "AttributeError") {
		c.Errorf("cuerqd -v: have %v, want its own AttributeError: %s", err, out)
	}
	if out := c.python("print([t for t in h.status().host_report.host.tags if t.startswith('rqdv-')])"); !strings.Contains(out, "['rqdv-") {
		c.Errorf("the version's tag is %s, want one rqdv-VERSION", out)
	}
	for _, flag := range []string{"--nimbyon", "--nimbyoff", "--restart"} {
		c.do(flag)
	}
	if idle := c.cores().GetIdleCores(); idle != 800 {
		c.Errorf("after all that %d core points are idle, want 800", idle)
	}
}

func (c *cuerqd) locks() {
	for _, args := range [][]string{{"--lp", "100", "200"}, {"--ulp", "100"}, {"--lh"}, {"--ulh"}} {
		c.do(args...)
	}
	for _, step := range []struct {
		line   string
		locked int32
	}{{"h.lock(200)", 200}, {"h.unlock('100')", 100}, {"h.lockAll()", 800}, {"h.unlockAll()", 0}} {
		c.python(step.line)
		if have := c.cores(); have.GetLockedCores() != step.locked || have.GetIdleCores() != 800-step.locked {
			c.Errorf("after %s: have %v, want %d locked", step.line, have, step.locked)
		}
	}
}

func (c *cuerqd) frames() {
	f := c.Launch("echo begun; sleep 300")
	c.Wait(f, "begun\n")
	if out := c.do("--getproxy", f.GetFrameId()); !strings.Contains(out, "echo begun; sleep 300") {
		c.Errorf("cuerqd --getproxy printed %s", out)
	}
	// Its --kill passes the message's fields where a message is wanted.
	if out, err := c.call("127.0.0.1", "--kill", f.GetFrameId()); err == nil || !strings.Contains(out, "TypeError") {
		c.Errorf("cuerqd --kill: have %v, want its own TypeError: %s", err, out)
	}
	c.python(fmt.Sprintf("h.frameStub.Kill(p.RunningFrameKillRequest(run_frame=h.getRunningFrame(%q).run_frame, message='Killed by tester using cuerqd.py'))", f.GetFrameId()))
	c.Killed(f)
	if !strings.Contains(c.Log(f), "Killed by tester using cuerqd.py") {
		c.Errorf("the rqlog does not tell who killed the frame: %s", c.Log(f))
	}
	c.do("--test_script_frame_mac") // A command that exists at one studio only, in 0.01 cores.
	const job = "swtest-home-jwelborn_rqd_test"
	var done *reportpb.FrameCompleteReport
	c.Poll(30*time.Second, func() bool {
		for _, a := range c.Cue.Arrivals() {
			if a.Done.GetFrame().GetJobName() == job {
				done = a.Done
			}
		}
		return done != nil
	})
	if done.GetExitStatus() != 127 || done.GetFrame().GetNumCores() != 1 {
		c.Errorf("cuerqd's test frame: have %v, want exit status 127", done)
	}
	logs, _ := filepath.Glob("/tmp/" + job + ".0001-preprocess.rqlog*")
	for _, log := range logs {
		_ = os.Remove(log)
	}
}

// idleExit asks for an end when idle, which the next call of anything takes back.
func (c *cuerqd) idleExit() {
	f := c.Launch("echo begun; sleep 300")
	c.Wait(f, "begun\n")
	c.do("--exit")
	if c.TryLaunch("true") == nil {
		c.Errorf("a frame was accepted after cuerqd --exit")
	}
	c.do("-s")
	if err := c.TryLaunch("true"); err != nil {
		c.Errorf("a frame after cuerqd -s, which unlocks: %v", err)
	}
	c.Kill(f)
	c.Killed(f)
	c.Gone()
}

func (c *cuerqd) exit() {
	c.do("--exit_now")
	code, ended := 0, false
	c.Poll(30*time.Second, func() bool { code, ended = c.Ended(); return ended })
	if !ended || code != 0 {
		c.Errorf("after cuerqd --exit_now: ended %v with %d, want an end with 0", ended, code)
	}
}
