package suite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// removal is how long RQD may take to remove a container whose frame has ended.
const removal = 10 * time.Second

// containers are this RQD's frames on the engine, in any state.
func (s *Stage) containers() []engine.Container {
	if s.suite.engine == nil {
		return nil
	}
	var labels map[string]string
	if s.suite.opts.Self != "" {
		labels = map[string]string{"org.rqdswarm.host": s.name}
	}
	list, err := s.suite.engine.List(s.ctx, labels)
	if err != nil && s.ctx.Err() == nil {
		s.Errorf("list containers: %v", err)
	}
	var out []engine.Container
	for _, c := range list {
		if s.suite.opts.Self != "" || !s.suite.before[c.ID] && s.suite.sees(c) {
			out = append(out, c)
		}
	}
	return out
}

// sees says whether a container has to do with the directory that the RQD at hand shares with its
// frames: it has no label that we know, and others may use the engine as well.
func (s *Suite) sees(c engine.Container) bool {
	within := func(a, b string) bool { return strings.HasPrefix(a+"/", strings.TrimSuffix(b, "/")+"/") }
	return slices.ContainsFunc(c.Mounts, func(m engine.Mount) bool {
		return m.Type == engine.MountBind && (within(m.Source, s.opts.LogDir) || within(s.opts.LogDir, m.Source))
	})
}

// gone waits until no container of this RQD is left.
func (s *Stage) gone(within time.Duration) {
	if !s.poll(within, func() bool { return len(s.containers()) == 0 }) {
		s.Errorf("%v later: have containers %v, want none", within, names(s.containers()))
	}
}

func names(list []engine.Container) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Name+" "+string(c.State))
	}
	return out
}

// endFrames kills what the check left running and waits for it.
func (s *Stage) endFrames() {
	if s.ctx.Err() != nil {
		return
	}
	if s.rqd != nil {
		if _, ended, known := s.rqd.Ended(); known && ended {
			return
		}
	}
	s.Cue.Reply(nil)
	var running []*rqdpb.RunFrame
	for _, f := range s.launched {
		if s.status(f.GetFrameId()) == codes.OK {
			_ = s.kill(f, "the check is over")
			running = append(running, f)
		}
	}
	for _, f := range running {
		s.poll(patience, func() bool { return s.status(f.GetFrameId()) != codes.OK })
	}
	s.poll(removal, func() bool { return len(s.containers()) == 0 })
}

// removeContainers removes what is left on the engine and says what that was.
func (s *Stage) removeContainers() []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	var left []string
	list, err := s.suite.engine.List(ctx, map[string]string{"org.rqdswarm.host": s.name})
	if err != nil {
		return []string{err.Error()}
	}
	for _, c := range list {
		left = append(left, c.Name+" "+string(c.State))
		_ = s.suite.engine.Remove(ctx, c.ID, engine.RemoveOptions{Force: true})
	}
	return left
}

// processes counts this machine's processes that have the mark in their command line. It sees
// those of every container, since a container's processes are the host's as well.
func processes(mark string) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") != "" {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && bytes.Contains(line, []byte(mark)) {
			n++
		}
	}
	return n
}

// sees waits until that many processes have the mark.
func (s *Stage) sees(mark string, want int) {
	if !s.poll(patience, func() bool { return processes(mark) >= want }) {
		s.Fatalf("have %d processes of the frame, want %d", processes(mark), want)
	}
}

// lines counts the lines of a file that frames append to.
func lines(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte("\n"))
}
