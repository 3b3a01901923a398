//go:build integration

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/minicue/farm"
)

// TestFrameAsArtist is the main job: the command runs once, as the artist, without any
// privilege, and its words and its exit status come back.
func TestFrameAsArtist(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "")
	f := s.render(farm.Job{Command: `id; echo "uid $(id -u)"; grep Cap /proc/self/status; grep NoNewPrivs /proc/self/status; exit 3`})[0]
	if f.Status != 3 || f.Signal != 0 {
		t.Errorf("have (%d, %d), want (3, 0)", f.Status, f.Signal)
	}
	s.wantLog(f, "RenderQ JobSpec", "uid=1500(artist) gid=20", "uid 1500\n", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000",
		"NoNewPrivs:\t1", "RenderQ Job Complete", "exitStatus          3")
	if strings.Contains(s.log(f), "RQD_FRAME_TOKEN") {
		t.Error("the frame's token is in its log")
	}
}

// TestCapabilities gives frames what DOCKER_CAP_ADD names: to the command, exactly that, and nothing more to the container than frameinit needs.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "", "DOCKER_CAP_ADD=SYS_PTRACE CAP_SYS_NICE")
	f := s.render(farm.Job{Command: `grep -E "Cap|NoNewPrivs" /proc/self/status; id -u`})[0]
	s.wantLog(f, "CapPrm:\t0000000000880000\nCapEff:\t0000000000880000\nCapBnd:\t00000000008800c0\n", "NoNewPrivs:\t1", "\n1500\n")
}

// TestMountedGroups mounts the studio's group file into frames: the artist has its groups, as after a login.
func TestMountedGroups(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "group")
	if err := os.WriteFile(path, []byte("root:x:0:artist\nshow:x:4000:other,artist\nart:x:4001:artist\nfoe:x:4002:other\n"), 0o644); err != nil { // #nosec G306 -- as /etc/group is.
		t.Fatal(err)
	}
	s := openStudio(t, "", "FRAME_GROUPS=5000", "GROUP=type:bind,source:"+path+",target:/etc/group,ro")
	f := s.render(farm.Job{Command: "id -G; cat /etc/group"})[0]
	s.wantLog(f, "\n20 4000 4001 5000\n", "foe:x:4002:other\n")
}

func TestFramesSideBySide(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "")
	for _, f := range s.render(farm.Job{Command: `echo "frame #IFRAME#" $CUE_THREADS $mcp $jobhost; test -d ` + s.dir, Range: "1-12", Cores: 50}) {
		if f.Status != 0 || f.State != farm.Succeeded {
			t.Errorf("%s: have status %d in state %v, want success", f.Name, f.Status, f.State)
		}
		s.wantLog(f, fmt.Sprintf("frame %d 1 1 %s\n", f.Number, s.name))
	}
}

// TestPeakMemory reads a large file, which fills the page cache, and then holds memory for a moment.
func TestPeakMemory(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "")
	texture := filepath.Join(s.dir, "texture")
	if err := os.WriteFile(texture, nil, 0o644); err != nil { // #nosec G306 -- the artist reads it.
		t.Fatal(err)
	}
	if err := os.Truncate(texture, 600<<20); err != nil {
		t.Fatal(err)
	}
	if f := s.render(farm.Job{Command: "dd bs=1M of=/dev/null if=" + texture})[0]; f.Status != 0 || f.MaxRSS <= 0 || f.MaxRSS > 50<<10 {
		t.Errorf("read 600 MB: have status %d and max_rss %d KiB, want at most 50 MiB", f.Status, f.MaxRSS)
	}
	hold := `x=$(head -c 40000000 /dev/zero | tr '\0' x); echo ${#x}`
	if f := s.render(farm.Job{Command: hold})[0]; f.Status != 0 || f.MaxRSS < 38<<10 {
		t.Errorf("hold 40 MB: have status %d and max_rss %d KiB, want at least 38 MiB", f.Status, f.MaxRSS)
	}
	// After some seconds frameinit looks seldom: the kernel's account of the process has to tell.
	if f := s.render(farm.Job{Command: "sleep 7; (" + hold + "); true"})[0]; f.Status != 0 || f.MaxRSS < 38<<10 {
		t.Errorf("hold 40 MB between two looks: have status %d and max_rss %d KiB, want at least 38 MiB", f.Status, f.MaxRSS)
	}
}

func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "")
	if f := s.render(farm.Job{Command: "tail /dev/zero", Memory: 16 << 10})[0]; f.Status != 137 || f.Signal != 0 {
		t.Errorf("have (%d, %d), want (137, 0)", f.Status, f.Signal)
	}
	if f := s.render(farm.Job{Command: "tail /dev/zero; echo went on", Memory: 16 << 10})[0]; f.Status != 0 {
		t.Errorf("a frame that survives its child's death: have status %d, want 0", f.Status)
	}
	if f := s.render(farm.Job{Command: "kill -9 $$"})[0]; f.Status != 1 || f.Signal != 9 {
		t.Errorf("SIGKILL without a lack of memory: have (%d, %d), want (1, 9)", f.Status, f.Signal)
	}
}

// TestKill kills a frame that ignores SIGTERM and has a detached child.
func TestKill(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "KILL_GRACE_SECONDS=1")
	job := s.submit(farm.Job{Command: `trap '' TERM; setsid sh -c "trap '' TERM; sleep 300; sleep 300" & echo started; sleep 300; sleep 300`})
	s.logged(job, "started\n")
	kills, err := s.cue.Farm().KillFrames([]string{job.Frames[0].ID})
	if err != nil || len(kills) != 1 {
		t.Fatalf("have kills %v (%v), want one", kills, err)
	}
	client, err := s.cue.Client(s.name)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, client, job.Frames[0].ID, "User: td\nReason: wrong camera")
	f := s.finish(job)[0]
	if f.Status != 1 || f.Signal != 9 {
		t.Errorf("have (%d, %d), want (1, 9)", f.Status, f.Signal)
	}
	s.wantLog(f, "killMessage", "User: td", "exitSignal          9")
	wantNotRunning(t, client, job.Frames[0].ID)
}

func TestNoShell(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "", "DOCKER_SHELL_PATH=/opt/no/shell")
	f := s.render(farm.Job{Command: "true"})[0]
	if f.Status != 256 {
		t.Errorf("have status %d, want 256", f.Status)
	}
	s.wantLog(f, "/opt/no/shell", "DOCKER_SHELL_PATH", "rqd-test-busybox")
}

// TestHostPID runs frames in the host's pid namespace, where frameinit is not process 1: a kill ends all of the frame and nothing else.
func TestHostPID(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "", "DOCKER_PID_MODE=host")
	bystander := s.submit(farm.Job{Command: "echo started; sleep 4; exit 4"})
	job := s.submit(farm.Job{Command: "setsid sleep 300 & echo started; sleep 300"})
	s.logged(bystander, "started\n")
	s.logged(job, "started\n")
	client, err := s.cue.Client(s.name)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, client, job.Frames[0].ID, "")
	if f := s.finish(job)[0]; f.Status != 1 || f.Signal != 9 {
		t.Errorf("have (%d, %d), want (1, 9)", f.Status, f.Signal)
	}
	if f := s.finish(bystander)[0]; f.Status != 4 {
		t.Errorf("frame of the same artist: have status %d, want 4", f.Status)
	}
}

func TestLogLimit(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "JOB_LOG_MAX_SIZE_IN_BYTES=100000")
	f := s.render(farm.Job{Command: "yes a line of output that says very little"})[0]
	if f.Status != 287 {
		t.Errorf("have status %d, want 287", f.Status)
	}
	if size := len(s.log(f)); size < 100000 || size > 110000 {
		t.Errorf("have a rqlog of %d bytes, want little more than 100000", size)
	}
	s.wantLog(f, "JOB_LOG_MAX_SIZE_IN_BYTES")
}

// TestRestart stops RQD under a running frame, by SIGTERM and by SIGKILL. The frame ends after
// the next RQD has adopted it, or while there is none: its log is whole and its end arrives.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, ends while RQD is away %t", signal, away), func(t *testing.T) {
				t.Parallel()
				s := openStudio(t, "")
				gate := filepath.Join(s.dir, "gate")
				job := s.submit(farm.Job{Command: `i=0; while ! test -e ` + gate + `; do i=$((i+1)); echo line $i; sleep 0.05; done; echo last; exit 5`})
				s.logged(job, "line 3\n")
				if code := s.stop(signal); signal == syscall.SIGTERM && code != 0 {
					t.Errorf("have exit code %d, want 0", code)
				}
				if !away {
					s.start()
				}
				if err := os.WriteFile(gate, nil, 0o644); err != nil { // #nosec G306 -- the artist looks for it.
					t.Fatal(err)
				}
				if away {
					s.logged(job, "last\n")
					s.start()
				}
				s.wantWhole(s.finish(job)[0])
			})
		}
	}
}

// wantWhole checks status, every line once, and one header and footer.
func (s *studio) wantWhole(f farm.FrameView) {
	s.t.Helper()
	if f.Status != 5 {
		s.t.Errorf("have status %d, want 5", f.Status)
	}
	text := s.log(f)
	next := 1
	for line := range strings.Lines(text) {
		if n := 0; strings.HasPrefix(line, "line ") {
			if _, err := fmt.Sscanf(line, "line %d", &n); err != nil || n != next {
				s.t.Errorf("have %q, want line %d", line, next)
			}
			next++
		}
	}
	for _, once := range []string{"RenderQ JobSpec", "last\n", "RenderQ Job Complete"} {
		if have := strings.Count(text, once); have != 1 {
			s.t.Errorf("have %q %d times, want once:\n%s", once, have, text)
		}
	}
}

// TestRemovedFromOutside takes a frame's container away as `docker rm -f` or a prune does.
func TestRemovedFromOutside(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "")
	job := s.submit(farm.Job{Command: "echo started; sleep 300"})
	s.logged(job, "started\n")
	list, err := s.docker.List(t.Context(), map[string]string{"org.rqdswarm.frame": job.Frames[0].ID})
	if err != nil || len(list) != 1 {
		t.Fatalf("have containers %v (%v), want one", list, err)
	}
	if err := s.docker.Remove(t.Context(), list[0].ID, engine.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if f := s.finish(job)[0]; f.Status != 256 {
		t.Errorf("have status %d, want 256", f.Status)
	}
}

// TestSecondRQDRefuses starts a second RQD on the same state, with another port.
func TestSecondRQDRefuses(t *testing.T) {
	t.Parallel()
	s := openStudio(t, "")
	if frames := s.render(farm.Job{Command: "true"}); frames[0].Status != 0 {
		t.Fatalf("have %+v, want success", frames[0])
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	conf, err := os.ReadFile(filepath.Join(s.dir, "rqd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(conf), strconv.Itoa(s.port), strconv.Itoa(freePort(t)), 1)
	if err := os.WriteFile(filepath.Join(s.dir, "other.conf"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	second := exec.Command(path, "-c", filepath.Join(s.dir, "other.conf")) // #nosec G204 -- our own binary.
	out, err := second.CombinedOutput()
	if code := second.ProcessState.ExitCode(); code != 1 {
		t.Errorf("have exit code %d (%v), want 1", code, err)
	}
	if !strings.Contains(string(out), "another RQD is running") {
		t.Errorf("have %q, want it to say what is wrong", out)
	}
}
