package suite

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// uuid is a random id as Cuebot makes them.
func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // Never fails on Linux.
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// order is a frame as Cuebot sends it: an artist's single core, in the first image. Each has a log directory of its own.
func (s *Stage) order(command string, edits ...func(*rqdpb.RunFrame)) *rqdpb.RunFrame {
	f := &rqdpb.RunFrame{
		ResourceId: uuid(), JobId: uuid(), FrameId: uuid(), LayerId: uuid(),
		JobName: "show-shot-user_test", FrameName: "0001-layer", Command: command, UserName: "artist",
		Show: "show", Shot: "shot", StartTime: time.Now().UnixMilli(), UidOptional: &rqdpb.RunFrame_Uid{Uid: 1500},
		NumCores: 100, Os: s.images[0].OS, SoftMemoryLimit: 1600000, HardMemoryLimit: 2000000,
		Environment: map[string]string{"CUE3": "1", "CUE_THREADABLE": "0", "CUE_THREADS": "1"},
	}
	f.LogDir = filepath.Join(s.dir, "logs", f.FrameId)
	for _, edit := range edits {
		edit(f)
	}
	return f
}

// thin frames leave room for many at once.
func thin(f *rqdpb.RunFrame) { f.NumCores = 10 }

// again is the next run of a frame on the same proc.
func again(f *rqdpb.RunFrame) *rqdpb.RunFrame {
	next := proto.CloneOf(f)
	next.StartTime = max(time.Now().UnixMilli(), f.StartTime+1)
	return next
}

// launch sends an order, which RQD has to accept.
func (s *Stage) launch(f *rqdpb.RunFrame) *rqdpb.RunFrame {
	if err := s.tryLaunch(f); err != nil {
		s.Fatalf("LaunchFrame of %q: have %v, want OK", f.GetCommand(), err)
	}
	return f
}

func (s *Stage) tryLaunch(f *rqdpb.RunFrame) error {
	ctx, cancel := context.WithTimeout(s.ctx, callTime)
	defer cancel()
	s.mu.Lock()
	s.launched[f.GetFrameId()] = f
	s.mu.Unlock()
	_, err := s.RQD.LaunchFrame(ctx, &rqdpb.RqdStaticLaunchFrameRequest{RunFrame: f})
	return err
}

// run launches the command and waits for its end.
func (s *Stage) run(command string, edits ...func(*rqdpb.RunFrame)) *reportpb.FrameCompleteReport {
	return s.ended(s.launch(s.order(command, edits...)), patience)
}

// ended waits for the frame's completion to be taken, and returns it.
func (s *Stage) ended(f *rqdpb.RunFrame, within time.Duration) *reportpb.FrameCompleteReport {
	var done *reportpb.FrameCompleteReport
	if !s.poll(within, func() bool { done = s.completion(f); return done != nil }) {
		s.Fatalf("no completion of %q within %v", f.GetCommand(), within)
	}
	return done
}

// completion is the one that was taken for this run of the frame; nil for none.
func (s *Stage) completion(f *rqdpb.RunFrame) *reportpb.FrameCompleteReport {
	for _, a := range s.Cue.Completions(f.GetFrameId()) {
		if a.Accepted && a.Done.GetFrame().GetStartTime() == f.GetStartTime() {
			return a.Done
		}
	}
	return nil
}

// wantExit compares how a frame ended.
func (s *Stage) wantExit(what string, done *reportpb.FrameCompleteReport, exit, signal int32) {
	if have := done.GetExitStatus(); have != exit || done.GetExitSignal() != signal {
		s.Errorf("%s: have exit (%d, %d), want (%d, %d)", what, have, done.GetExitSignal(), exit, signal)
	}
}

// wantOnce holds that Cuebot took one completion of the frame.
func (s *Stage) wantOnce(f *rqdpb.RunFrame) {
	if list := accepted(s.Cue.Completions(f.GetFrameId())); len(list) != 1 {
		s.Errorf("%q: have %d completions, want one", f.GetCommand(), len(list))
	}
}

func (s *Stage) kill(f *rqdpb.RunFrame, message string) error {
	ctx, cancel := context.WithTimeout(s.ctx, callTime)
	defer cancel()
	_, err := s.RQD.KillRunningFrame(ctx, &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: f.GetFrameId(), Message: message})
	return err
}

// status is how GetRunningFrameStatus answers.
func (s *Stage) status(frameID string) codes.Code {
	ctx, cancel := context.WithTimeout(s.ctx, callTime)
	defer cancel()
	_, err := s.RQD.GetRunningFrameStatus(ctx, &rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: frameID})
	return status.Code(err)
}

func (s *Stage) wantStatus(f *rqdpb.RunFrame, when string, want codes.Code) {
	if have := s.status(f.GetFrameId()); have != want {
		s.Errorf("GetRunningFrameStatus %s: have %v, want %v", when, have, want)
	}
}

// logPath is where CueGUI looks for the frame's log.
func logPath(f *rqdpb.RunFrame) string {
	return filepath.Join(f.GetLogDir(), f.GetJobName()+"."+f.GetFrameName()+".rqlog")
}

func (s *Stage) log(f *rqdpb.RunFrame) string {
	text, err := os.ReadFile(logPath(f))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// logs waits until the rqlog has the text.
func (s *Stage) logs(f *rqdpb.RunFrame, text string) {
	if !s.poll(patience, func() bool { return strings.Contains(s.log(f), text) }) {
		s.Fatalf("the rqlog never had %q: %s", text, tail(s.log(f)))
	}
}

// tail is the end of a text, short enough for a line about a failure.
func tail(text string) string {
	const most = 400
	if len(text) > most {
		text = "…" + strings.ToValidUTF8(text[len(text)-most:], "?")
	}
	return fmt.Sprintf("%q", text)
}
