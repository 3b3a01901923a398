package suite

import (
	"bytes"
	"context"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// The second image's system, and the variable that tells it from the first.
const (
	secondOS   = "second"
	secondMark = "CONFORMANCE_IMAGE=second"
)

// secondImage is [docker.images] with an image from a registry of ours beside the usual one.
func secondImage(s *Stage) []ImageKey {
	return append(s.suite.opts.Images[:1:1], ImageKey{secondOS, s.served().address + "/conformance/image:1"})
}

// service is a registry of ours on its port.
type service struct {
	*registry
	address string
}

// served serves an image that is made of this machine's busybox.
func (s *Stage) served() service {
	r, err := newRegistry(s.busybox(), secondMark)
	if err != nil {
		s.Fatalf("make image: %v", err)
	}
	address := s.serve(r)
	s.Cleanup(func() { s.removeImages(address) })
	return service{r, address}
}

// busybox is a static busybox: this machine's, or else that of the first image.
func (s *Stage) busybox() []byte {
	for _, path := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if program, err := elf.NewFile(bytes.NewReader(content)); err == nil && program.Section(".interp") == nil {
			return content
		}
	}
	s.Skipf("needs a static busybox on this machine, to make an image of (package busybox-static)")
	return nil
}

// removeImages removes what was pulled from a registry of ours.
func (s *Stage) removeImages(address string) {
	if s.suite.engine == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	for _, i := range s.images {
		if strings.HasPrefix(i.Reference, address) || strings.HasPrefix(i.Reference, "localhost:"+portOf(address)) {
			_ = s.suite.engine.RemoveImage(ctx, i.Reference) // It may never have been pulled.
		}
	}
}

// environment is check 28.
func environment(s *Stage) {
	f := s.launch(s.order("env", func(f *rqdpb.RunFrame) {
		f.Environment["PATH"] = "/added/bin"
		f.Environment["TERM"] = "from-cuebot"
		f.Environment["CUE_RANGE"] = "1-10 x $HOME"
	}))
	s.wantExit("env", s.ended(f, patience), 0, 0)
	for _, want := range []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/added/bin", "TERM=from-cuebot", "CUE_RANGE=1-10 x $HOME",
		"CUE3=1", "USER=artist", "LOGNAME=artist", "mcp=1", "show=show", "shot=shot", "jobid=" + f.GetJobName(),
		"jobhost=" + s.name, "frame=" + f.GetFrameName(), "zframe=" + f.GetFrameName(), "logfile=" + filepath.Base(logPath(f)),
		"maxframetime=0", "minspace=200", "SP_NOMYCSHRC=1", "CUE_THREADS=1",
	} {
		if !s.printed(f, want) {
			s.Errorf("the frame's environment lacks %s", want)
		}
	}
	if !s.printed(f, "TZ=PST8PDT") && !s.printed(f, "TZ=IST") {
		s.Errorf("the frame's TZ is neither PST8PDT nor IST")
	}
	if s.printed(f, secondMark) {
		s.Errorf("os=%s ran in the image of %s", f.GetOs(), secondOS)
	}
	second := s.launch(s.order("env", withOS(secondOS)))
	s.wantExit("os="+secondOS, s.ended(second, patience), 0, 0)
	if !s.printed(second, secondMark) {
		s.Errorf("os=%s ran in another image: %s", secondOS, tail(s.log(second)))
	}
	none := s.launch(s.order("env", withOS("")))
	s.wantExit("no os", s.ended(none, patience), 0, 0)
	if s.printed(none, secondMark) {
		s.Errorf("a frame without os ran in the second image, want the first")
	}
	unknown := s.launch(s.order("env", withOS("plan9")))
	s.wantExit("os=plan9", s.ended(unknown, patience), 256, 0)
	s.sleep(time.Second)
	s.wantOnce(unknown)
}

// printed says whether the frame's output has the line. The header shows variables in another column.
func (s *Stage) printed(f *rqdpb.RunFrame, line string) bool {
	return strings.Contains(s.log(f), "\n"+line+"\n")
}

// configuration is check 30.
func configuration(s *Stage) {
	usual := s.images
	s.registryForms()
	s.images = usual
	readonly := filepath.Join(s.dir, "readonly")
	if err := os.Mkdir(readonly, 0o777); err != nil || os.Chmod(readonly, 0o777) != nil { // #nosec G301 G302 -- a frame is to be kept out by the mount.
		s.Fatalf("make directory: %v", err)
	}
	s.configured(Setup{Mounts: "RO=type:bind,source:$DIR/readonly,target:/readonly,readonly"})
	done := s.run("test -d /readonly && ! touch /readonly/file")
	s.wantExit("(b) a mount with readonly", done, 0, 0)
	s.gone(removal)
	s.terminate()
	s.refused("(c) a key twice", "LOAD_MODIFIER", s.config(Setup{Override: "LOAD_MODIFIER=1\nLOAD_MODIFIER=2"}))
	s.images = append(s.images[:1:1], ImageKey{"a-system-with-a-long-name", usual[0].Reference}, ImageKey{"another-system", usual[0].Reference})
	s.refused("(d) systems of more than 32 characters", "32", s.config(Setup{}))
	s.images = usual
	s.withoutEngine()
}

// configured starts RQD with a configuration of its own.
func (s *Stage) configured(setup Setup) {
	boots := len(accepted(s.Cue.Boots()))
	s.writeConfig(s.config(setup))
	s.start()
	s.booted(boots + 1)
}

// registryForms is (a) and (f): references with a port and with a digest, and a registry that goes away.
func (s *Stage) registryForms() {
	served := s.served()
	s.images = []ImageKey{
		{"ported", "localhost:" + portOf(served.address) + "/a/b:tag"},
		{"digested", served.address + "/a/c@" + served.digest()},
		{"usual", s.images[0].Reference},
	}
	forms := s.images
	s.Cleanup(func() { s.images = forms; s.removeImages(served.address) })
	s.configured(Setup{})
	for _, os := range []string{"ported", "digested"} {
		f := s.launch(s.order("env", withOS(os)))
		s.wantExit("(a) image "+s.reference(os), s.ended(f, patience), 0, 0)
		if !s.printed(f, secondMark) {
			s.Errorf("(a) %s ran in another image", s.reference(os))
		}
	}
	s.gone(removal)
	s.terminate()
	served.stop(s)
	s.configured(Setup{})
	for _, os := range []string{"ported", "digested"} {
		s.wantExit("(f) no registry, image local: "+s.reference(os), s.run("env", withOS(os)), 0, 0)
	}
	s.gone(removal)
	s.terminate()
}

func (s *Stage) reference(os string) string {
	for _, i := range s.images {
		if i.OS == os {
			return i.Reference
		}
	}
	return os
}

// refused holds that RQD does not start, and says why.
func (s *Stage) refused(what, word, config string) {
	said := len(s.rqd.Said())
	s.writeConfig(config)
	err := s.rqd.Start(s.conf)
	code, ended, known := 0, false, false
	s.poll(patience, func() bool {
		code, ended, known = s.rqd.Ended()
		return !known || ended
	})
	switch {
	case known && (!ended || code == 0):
		s.Errorf("%s: RQD runs, or ended with 0, want that it refuses to start", what)
		s.terminate()
	case known && !strings.Contains(s.rqd.Said()[said:], word):
		s.Errorf("%s: RQD said %s, want something about %s", what, tail(s.rqd.Said()[said:]), word)
	case !known && err == nil && s.answers(5*time.Second):
		s.Errorf("%s: RQD runs, want that it refuses to start", what)
		s.terminate()
	}
}

// withoutEngine is (e): whatever RQD does, no frame may run on the host.
func (s *Stage) withoutEngine() {
	s.writeConfig(s.config(Setup{}))
	ran := filepath.Join(s.dir, "ran-on-the-host")
	if s.rqd.Start(s.conf, "DOCKER_HOST=unix:///nonexistent/docker.sock") != nil {
		return
	}
	if s.answers(5 * time.Second) {
		_ = s.tryLaunch(s.order("touch " + ran))
		s.sleep(3 * time.Second)
	}
	if _, err := os.Stat(ran); err == nil {
		s.Errorf("(e) without an engine a frame ran on the host")
	}
	if code, ended, known := s.rqd.Ended(); known && ended && code == 0 {
		s.Errorf("(e) without an engine RQD ended with 0, want an error or that it goes on trying")
	}
	s.terminate()
	if _, ended, known := s.rqd.Ended(); known && !ended {
		s.Errorf("(e) RQD did not end")
	}
}

// stop makes the registry unreachable.
func (r service) stop(s *Stage) {
	s.stopServing(r.address)
	if s.suite.engine == nil {
		return
	}
	if _, err := s.suite.engine.Pull(s.call(), engine.PullRequest{Reference: r.address + "/a/b:tag"}); err == nil {
		s.Errorf("the registry at %s still serves", r.address)
	}
}
