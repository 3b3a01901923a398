package server

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

// TestOrderIsTheCapturedOne feeds minicue what a real Cuebot was asked for and wants the very same message.
func TestOrderIsTheCapturedOne(t *testing.T) {
	t.Parallel()
	want := captured(t)
	ids := []string{want.GetJobId(), want.GetLayerId(), want.GetFrameId(), "of frame 2", want.GetResourceId()}
	f := farm.New(farm.Config{
		Now: func() time.Time { return time.UnixMilli(want.GetStartTime()) },
		NewID: func() string {
			id := ids[0]
			ids = ids[1:]
			return id
		},
		LogRoot: "/srv/shots",
	})
	f.Boot(farm.Report{Machine: machineOf(&reportpb.RenderHost{
		Name: "render01", NumProcs: 1, CoresPerProc: 400, TotalMem: 24684084, TotalMcp: 264212084,
		FreeMem: 23503956, FreeMcp: 76055288, Attributes: map[string]string{"SP_OS": "rocky9,centos7"},
	})})
	uid := want.GetUid()
	if _, err := f.Submit(farm.Job{
		Show: "testing", Shot: "sh010", User: "artist1", UID: &uid, Name: "ok1", Layer: "plain",
		Command: want.GetCommand(), OS: "rocky9", Range: "1-2", Cores: 100, Memory: 262144,
	}); err != nil {
		t.Fatal(err)
	}
	o, ok := f.Book("render01")
	if !ok {
		t.Fatal("nothing was booked")
	}
	if diff := cmp.Diff(want, runFrameOf(o), protocmp.Transform()); diff != "" {
		t.Errorf("RunFrame (-captured +ours):\n%s", diff)
	}
}

// captured is the first order in the recorded calls of a real Cuebot.
func captured(t *testing.T) *rqdpb.RunFrame {
	t.Helper()
	file, err := os.Open("../../cuepb/testdata/calls.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var call struct {
			Method  string `json:"method"`
			Request []byte `json:"request_b64"`
		}
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
			t.Fatal(err)
		}
		if call.Method != rqdpb.RqdInterface_LaunchFrame_FullMethodName {
			continue
		}
		var in rqdpb.RqdStaticLaunchFrameRequest
		if err := proto.Unmarshal(call.Request, &in); err != nil {
			t.Fatal(err)
		}
		return in.GetRunFrame()
	}
	t.Fatal("no LaunchFrame is recorded")
	return nil
}
