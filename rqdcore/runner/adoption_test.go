package runner

import (
	"errors"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
	"rqdswarm/internal/wire"
)

func TestAdoption(t *testing.T) {
	t.Parallel()
	record := wire.AppendRecord(nil, wire.Exit{Cause: wire.CauseExit, Code: 3, RunMillis: 1000})
	for name, tc := range map[string]struct {
		before func(s *stage, j *Job) // What the RQD before left behind.
		after  func(s *stage, j *Job)
		want   int32
	}{
		"never created": {func(*stage, *Job) {}, nil, 256},
		"never started": {func(s *stage, j *Job) { s.leaveCreated(j, enginetest.Script{}) }, nil, 256},
		"ended meanwhile, record in its output": {func(s *stage, j *Job) {
			s.leave(j, enginetest.Script{Output: []string{string(record)}, Lifetime: -1, ExitCode: 3})
		}, nil, 3},
		"ended meanwhile, record not given out at first": {func(s *stage, j *Job) {
			s.leave(j, enginetest.Script{Output: []string{string(record)}, Lifetime: -1, ExitCode: 3})
			s.engine.Fail("Logs", engine.ErrUnavailable)
			s.engine.Fail("Logs", errors.New("engine: internal error"))
		}, func(s *stage, j *Job) {
			for looks := 1; looks <= 2; looks++ {
				eventually(func() bool { return s.logReads() >= looks })
				j.poke() // Else the next look is two seconds later.
			}
		}, 3},
		"ended meanwhile, record lost": {func(s *stage, j *Job) {
			s.leave(j, enginetest.Script{Output: []string{string(record)}, Lifetime: -1, ExitCode: 3})
			s.engine.Fail("Logs", engine.ErrConflict)
		}, nil, 256},
		"never started and killed": {func(s *stage, j *Job) {
			s.leaveCreated(j, enginetest.Script{})
			j.Kill("not needed any more")
		}, nil, 1},
		"running, ends later": {func(s *stage, j *Job) { s.leave(j, enginetest.Script{}) }, func(s *stage, j *Job) {
			init := s.connect(wire.Hello{Token: j.Promise().Token, Phase: wire.PhaseRunning, Started: &wire.Started{UnixMillis: 1}})
			init.send(wire.Message{Exit: &wire.Exit{Cause: wire.CauseExit, Code: 5}})
		}, 5},
		"ended, frameinit still there": {func(s *stage, j *Job) { s.leave(j, enginetest.Script{}) }, func(s *stage, j *Job) {
			s.connect(wire.Hello{Token: j.Promise().Token, Phase: wire.PhaseExited, Exit: &wire.Exit{Cause: wire.CauseExit, Code: 6}})
		}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			j := AdoptJob(s.job().Promise())
			tc.before(s, j)
			done := s.run(j)
			if tc.after != nil {
				tc.after(s, j)
			}
			if status, _ := receiveExit(t, done).Status(); status != tc.want {
				t.Errorf("have status %d, want %d", status, tc.want)
			}
		})
	}
}

// logReads is how often the engine was asked for a container's output.
func (s *stage) logReads() (n int) {
	for _, call := range s.engine.Calls() {
		if call.Method == "Logs" {
			n++
		}
	}
	return n
}

// TestRecordThatNeverComes has an engine that works and does not give out the record: the frame ends as lost, in the end.
func TestRecordThatNeverComes(t *testing.T) {
	t.Parallel()
	x := run{job: NewJob(Promise{})}
	broken := errors.New("engine: no such file")
	for try := range recordTries {
		if have, want := x.readAgain(broken), try < recordTries-1; have != want {
			t.Fatalf("look %d: have another look %t, want %t", try+1, have, want)
		}
	}
	if !x.readAgain(engine.ErrUnavailable) {
		t.Error("an engine that does not answer was not waited for")
	}
	x.job.Kill("")
	if x.readAgain(engine.ErrUnavailable) {
		t.Error("a killed frame waited for its record")
	}
}
