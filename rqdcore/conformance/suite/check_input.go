package suite

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// badInput is probe 36: nothing crashes, nothing runs, nothing is written elsewhere.
func badInput(s *Stage) {
	if err := os.WriteFile(filepath.Join(s.dir, "file"), nil, 0o644); err != nil { // #nosec G306 -- it is in the way, no more.
		s.Fatalf("make file: %v", err)
	}
	s.noise()
	huge := strings.Repeat("x", 200<<10)
	for _, bad := range []struct {
		what string
		edit func(*rqdpb.RunFrame)
	}{
		{"a path as frame id", func(f *rqdpb.RunFrame) { f.FrameId = "../../" + f.FrameId }},
		{"a NUL in the job's id", func(f *rqdpb.RunFrame) { f.JobId = "a\x00b" }},
		{"a newline in the resource id", func(f *rqdpb.RunFrame) { f.ResourceId = "a\nb" }},
		{"a path as job name", func(f *rqdpb.RunFrame) { f.JobName = "../../../escaped" }},
		{"a log directory upwards", func(f *rqdpb.RunFrame) { f.LogDir = s.dir + "/logs/../../escaped" }},
		{"a relative log directory", func(f *rqdpb.RunFrame) { f.LogDir = "escaped" }},
		{"an argument above 128 KiB", func(f *rqdpb.RunFrame) { f.Command = "true " + huge }},
		{"an environment above 2 MiB", func(f *rqdpb.RunFrame) {
			for i := range 20 {
				f.Environment[fmt.Sprintf("V%d", i)] = huge[:120<<10]
			}
		}},
		{"no command", func(f *rqdpb.RunFrame) { f.Command = "" }},
		{"no frame id", func(f *rqdpb.RunFrame) { f.FrameId = "" }},
	} {
		f := s.order("touch "+filepath.Join(s.dir, "ran"), bad.edit)
		if c := status.Code(s.tryLaunch(f)); c == codes.OK {
			s.Errorf("%s: the launch was accepted", bad.what)
		} else if c == codes.Internal || c == codes.Unknown {
			s.Errorf("%s: have %v, want %v", bad.what, c, codes.InvalidArgument)
		}
	}
	if _, err := s.RQD.LaunchFrame(s.call(), &rqdpb.RqdStaticLaunchFrameRequest{}); err == nil {
		s.Errorf("a launch without a frame was accepted")
	}
	if escaped, _ := filepath.Glob(filepath.Join(filepath.Dir(s.dir), "escaped*")); len(escaped) > 0 {
		s.Errorf("a log was written outside of its directory: %v", escaped)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "ran")); err == nil {
		s.Errorf("a bad frame ran")
	}
	blocked := s.launch(s.order("true", func(f *rqdpb.RunFrame) { f.LogDir = filepath.Join(s.dir, "file") }))
	many := s.launch(s.order("env | grep -c ^MANY_", func(f *rqdpb.RunFrame) {
		for i := range 10000 {
			f.Environment[fmt.Sprintf("MANY_%d", i)] = "value"
		}
	}))
	s.wantExit("10,000 variables", s.ended(many, patience), 0, 0)
	if !s.printed(many, "10000") {
		s.Errorf("not all of 10,000 variables arrived: %s", tail(s.log(many)))
	}
	s.wantExit("a log directory that is a file", s.ended(blocked, patience), 256, 0)
	s.wantExit("a frame afterwards", s.run("exit 0"), 0, 0)
}

// noise sends what is no gRPC, and a message beyond any limit.
func (s *Stage) noise() {
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\xff\x00\xff garbage", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff"} {
		conn, err := net.DialTimeout("tcp", s.address, callTime)
		if err != nil {
			s.Fatalf("connect: %v", err)
		}
		_, _ = conn.Write([]byte(text)) // It may be cut off at any byte.
		s.Cleanup(func() { _ = conn.Close() })
	}
	f := s.order("true", func(f *rqdpb.RunFrame) { f.Environment["LARGE"] = strings.Repeat("x", 8<<20) })
	if s.tryLaunch(f) == nil {
		s.Errorf("an order of 8 MiB was accepted")
	}
	if !s.answers(callTime) {
		s.Fatalf("RQD does not answer after noise on its port")
	}
}
