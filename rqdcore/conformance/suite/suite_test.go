package suite_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/conformance/suite"
	"rqdswarm/rqdcore/cuepb/reportpb"
)

func TestChecksAreNumbered(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for i, c := range suite.Checks() {
		if c.Number != i+1 || c.Run == nil || c.Name == "" || names[c.Name] {
			t.Errorf("check %d is %d %q, want a number, a function and a name of its own", i+1, c.Number, c.Name)
		}
		names[c.Name] = true
	}
}

func TestLastLine(t *testing.T) {
	t.Parallel()
	for want, tally := range map[string]suite.Tally{
		"36 passed, 0 failed":            {Passed: 36},
		"30 passed, 2 failed, 4 skipped": {Passed: 30, Failed: 2, Skipped: 4},
	} {
		if have := tally.String(); have != want {
			t.Errorf("have %q, want %q", have, want)
		}
	}
}

func TestOutcomePrints(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	suite.Outcome{Check: suite.Check{Number: 7, Name: "cores"}, Failed: []string{"have 1, want 2"}, Took: 1500 * time.Millisecond}.Print(&out)
	suite.Outcome{Check: suite.Check{Number: 8, Name: "next"}, Skipped: "needs an engine"}.Print(&out)
	want := " 7  FAILED      1.5s  cores\n    have 1, want 2\n 8  skipped     0.0s  next\n    needs an engine\n"
	if have := out.String(); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
}

// TestCuebotAnswers: what a check says is what an RQD gets, and only what was answered OK counts as taken.
func TestCuebotAnswers(t *testing.T) {
	t.Parallel()
	cue, err := suite.NewCuebot("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cue.Stop)
	conn, err := grpc.NewClient("passthrough:///"+cue.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	rqd := reportpb.NewRqdReportInterfaceClient(conn)
	complete := func() codes.Code {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := rqd.ReportRunningFrameCompletion(ctx, &reportpb.RqdReportRunningFrameCompletionRequest{
			FrameCompleteReport: &reportpb.FrameCompleteReport{Frame: &reportpb.RunningFrameInfo{FrameId: "f"}},
		})
		return status.Code(err)
	}
	for _, step := range []struct {
		reply suite.Reply
		want  codes.Code
		taken bool
	}{
		{suite.Reply{Code: codes.Internal}, codes.Internal, false},
		{suite.Reply{Cut: true}, codes.Unavailable, false},
		{suite.Reply{Hang: time.Hour}, codes.DeadlineExceeded, false},
		{suite.Reply{}, codes.OK, true},
	} {
		cue.Reply(func(context.Context, suite.Arrival) suite.Reply { return step.reply })
		if have := complete(); have != step.want {
			t.Errorf("%+v: have %v, want %v", step.reply, have, step.want)
		}
		list := cue.Completions("f")
		if last := list[len(list)-1]; last.Accepted != step.taken {
			t.Errorf("%+v: have taken %v, want %v", step.reply, last.Accepted, step.taken)
		}
	}
	if err := cue.Reset(); err != nil || len(cue.Arrivals()) != 0 {
		t.Errorf("after Reset: have %d arrivals (%v), want none", len(cue.Arrivals()), err)
	}
}

// TestPerform: a check that finds something fails, one that cannot be made is skipped, and both are cleaned up after.
func TestPerform(t *testing.T) {
	t.Parallel()
	s, err := suite.New(t.Context(), suite.Options{RQD: "127.0.0.1:1", Listen: "127.0.0.1:0", LogDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if o := s.Perform(t.Context(), suite.Check{Restarts: true}); o.Skipped == "" || len(o.Failed) != 0 {
		t.Errorf("a check that needs --start: have %+v, want it skipped", o)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if o := s.Perform(ctx, suite.Check{}); len(o.Failed) == 0 {
		t.Errorf("no RQD at all: have %+v, want a failure", o)
	}
}

// TestRegistry pulls as an engine does.
func TestRegistry(t *testing.T) {
	t.Parallel()
	r, err := suite.NewRegistry([]byte("a program"), "MARK=1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	get := func(path string) []byte {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %s (%v)", path, resp.Status, err)
		}
		return body
	}
	get("/v2/")
	var manifest struct{ Layers []struct{ Digest string } }
	if err := json.Unmarshal(get("/v2/a/b/manifests/tag"), &manifest); err != nil || len(manifest.Layers) != 1 {
		t.Fatalf("have manifest %+v (%v), want one layer", manifest, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(get("/v2/a/b/blobs/" + manifest.Layers[0].Digest)))
	if err != nil {
		t.Fatal(err)
	}
	for layer := tar.NewReader(z); ; {
		h, err := layer.Next()
		if err != nil {
			t.Fatalf("no program in the layer: %v", err)
		}
		if content, _ := io.ReadAll(layer); h.Name == "bin/busybox" && string(content) == "a program" {
			return
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{"0": "0", "0-3": "0,1,2,3", "0-1,4,6-7": "0,1,4,6,7"} {
		if have := suite.Expand(list); have != want {
			t.Errorf("%s: have %s, want %s", list, have, want)
		}
	}
}
