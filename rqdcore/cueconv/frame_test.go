package cueconv_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"rqdswarm/rqdcore/cueconv"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
)

// order is a plain good one, to be spoilt.
func order() *rqdpb.RunFrame {
	return &rqdpb.RunFrame{
		ResourceId:      "6d8067ea-a342-41d3-892a-aabef86813a1",
		JobId:           "ffe52bb3-7920-4717-a395-5c94cd862eed",
		JobName:         "testing-sh010-artist1_ok1",
		FrameId:         "63f19e41-440d-4d4d-8d71-f0d62a05ca0e",
		FrameName:       "0001-plain",
		LayerId:         "1fddb68a-c4b8-427f-a4f5-500967b09964",
		Command:         `sh -c "echo hello"`,
		UserName:        "artist1",
		LogDir:          "/srv/shots/testing/logs",
		Show:            "testing",
		Shot:            "sh010",
		StartTime:       1795493164120,
		UidOptional:     &rqdpb.RunFrame_Uid{Uid: 1500},
		NumCores:        100,
		Environment:     map[string]string{"CUE3": "1", "CUE_THREADABLE": "0"},
		Os:              "rocky9",
		SoftMemoryLimit: 419430,
		HardMemoryLimit: 524288,
	}
}

// Every order that a real Cuebot sent is taken and comes back unchanged.
func TestFrameReal(t *testing.T) {
	t.Parallel()
	n := 0
	for _, raw := range realOrders(t) {
		want := &rqdpb.RqdStaticLaunchFrameRequest{}
		if err := proto.Unmarshal(raw, want); err != nil {
			t.Fatal(err)
		}
		f, err := cueconv.Frame(want.GetRunFrame())
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(want.GetRunFrame(), cueconv.RunFrame(f), protocmp.Transform()); diff != "" {
			t.Errorf("there and back (-want +have):\n%s", diff)
		}
		n++
	}
	if n != 25 {
		t.Errorf("took %d orders, want 25", n)
	}
}

func TestFrameUID(t *testing.T) {
	t.Parallel()
	o := order()
	o.UidOptional = nil
	f, err := cueconv.Frame(o)
	if err != nil || f.UID != nil {
		t.Errorf("without uid: have %v, %v, want nil", f.UID, err)
	}
	f, err = cueconv.Frame(order())
	if err != nil || f.UID == nil || *f.UID != 1500 {
		t.Errorf("with uid: have %v, %v, want 1500", f.UID, err)
	}
}

// What OpenCue's own command line tool sends is little: no layer, at times no resource.
func TestFrameSparse(t *testing.T) {
	t.Parallel()
	o := order()
	o.ResourceId, o.JobId, o.LayerId, o.Os, o.Show, o.Shot, o.Environment = "", "", "", "", "", "", nil
	if _, err := cueconv.Frame(o); err != nil {
		t.Error(err)
	}
}

func TestFrameCleansLogDir(t *testing.T) {
	t.Parallel()
	o := order()
	o.LogDir = "//srv/shots/./logs//"
	f, err := cueconv.Frame(o)
	if err != nil || f.LogDir != "/srv/shots/logs" {
		t.Errorf("have %q, %v, want /srv/shots/logs", f.LogDir, err)
	}
}

func TestFrameWithLokiNeedsNoLogDir(t *testing.T) {
	t.Parallel()
	o := order()
	o.LogDir, o.LokiUrl = "", "http://loki:3100"
	if _, err := cueconv.Frame(o); err != nil {
		t.Error(err)
	}
}

func TestFrameRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(*rqdpb.RunFrame)
		want  string
	}{
		{"no frame id", func(o *rqdpb.RunFrame) { o.FrameId = "" }, `frame_id is empty`},
		{"slash in id", func(o *rqdpb.RunFrame) { o.FrameId = "../../etc/passwd" }, `frame_id is "../../etc/passwd", want letters`},
		{"NUL in id", func(o *rqdpb.RunFrame) { o.ResourceId = "a\x00b" }, `resource_id is "a\x00b"`},
		{"newline in id", func(o *rqdpb.RunFrame) { o.JobId = "a\nb" }, `job_id is "a\nb"`},
		{"long id", func(o *rqdpb.RunFrame) { o.LayerId = strings.Repeat("x", 129) }, `(129 bytes), want 128 bytes at most`},
		{"no job name", func(o *rqdpb.RunFrame) { o.JobName = "" }, `job_name is empty`},
		{"slash in job name", func(o *rqdpb.RunFrame) { o.JobName = "a/b" }, `job_name is "a/b", want none of /`},
		{"newline in frame name", func(o *rqdpb.RunFrame) { o.FrameName = "a\nb" }, `frame_name is "a\nb"`},
		{"long names", func(o *rqdpb.RunFrame) {
			o.JobName, o.FrameName = strings.Repeat("j", 200), strings.Repeat("f", 50)
		}, "want 255 bytes at most"},
		{"no user", func(o *rqdpb.RunFrame) { o.UserName = "" }, `user_name is empty`},
		{"user with colon", func(o *rqdpb.RunFrame) { o.UserName = "a:0:0" }, `user_name is "a:0:0"`},
		{"user above home", func(o *rqdpb.RunFrame) { o.UserName = ".." }, `user_name is ".."`},
		{"newline in show", func(o *rqdpb.RunFrame) { o.Show = "a\nb" }, `show is "a\nb"`},
		{"relative log dir", func(o *rqdpb.RunFrame) { o.LogDir = "logs" }, `log_dir is "logs", want an absolute path`},
		{"log dir with ..", func(o *rqdpb.RunFrame) { o.LogDir = "/srv/../etc" }, `log_dir is "/srv/../etc"`},
		{"log dir with NUL", func(o *rqdpb.RunFrame) { o.LogDir = "/srv\x00" }, `log_dir is "/srv\x00"`},
		{"long log dir", func(o *rqdpb.RunFrame) { o.LogDir = "/" + strings.Repeat("d/", 2050) }, `log_dir is`},
		{"uid 0", func(o *rqdpb.RunFrame) { o.UidOptional = &rqdpb.RunFrame_Uid{} }, `uid is 0, want above 0`},
		{"uid -1", func(o *rqdpb.RunFrame) { o.UidOptional = &rqdpb.RunFrame_Uid{Uid: -1} }, `uid is -1`},
		{"no cores", func(o *rqdpb.RunFrame) { o.NumCores = 0 }, `num_cores is 0, want above 0`},
		{"negative cores", func(o *rqdpb.RunFrame) { o.NumCores = -100 }, `num_cores is -100`},
		{"negative gid", func(o *rqdpb.RunFrame) { o.Gid = -5 }, `gid is -5`},
		{"negative GPUs", func(o *rqdpb.RunFrame) { o.NumGpus = -1 }, `num_gpus is -1`},
		{"negative memory", func(o *rqdpb.RunFrame) { o.HardMemoryLimit = -1 }, `hard_memory_limit is -1`},
		{"overflowing memory", func(o *rqdpb.RunFrame) { o.SoftMemoryLimit = 1 << 62 }, `soft_memory_limit is`},
		{"no command", func(o *rqdpb.RunFrame) { o.Command = "" }, `command is empty`},
		{"NUL in command", func(o *rqdpb.RunFrame) { o.Command = "a\x00b" }, `command has a NUL`},
		{"long command", func(o *rqdpb.RunFrame) { o.Command = strings.Repeat("x", 128<<10) }, `command is 131072 bytes, the kernel takes 131071 (128 KiB)`},
		{"= in variable", func(o *rqdpb.RunFrame) { o.Environment["A=B"] = "" }, `environment has a variable named "A=B"`},
		{"variable without name", func(o *rqdpb.RunFrame) { o.Environment[""] = "x" }, `environment has a variable named ""`},
		{"NUL in variable", func(o *rqdpb.RunFrame) { o.Environment["A"] = "\x00" }, `environment variable "A" has a NUL`},
		{"long variable", func(o *rqdpb.RunFrame) { o.Environment["A"] = strings.Repeat("x", 128<<10) }, `environment variable "A" is`},
		{"large environment", func(o *rqdpb.RunFrame) {
			for i := range 20 {
				o.Environment[fmt.Sprint("V", i)] = strings.Repeat("x", 120<<10)
			}
		}, `the kernel takes 2097152 (2 MiB) in all`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := order()
			c.spoil(o)
			_, err := cueconv.Frame(o)
			if !errors.Is(err, frame.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("have %v, want %v with %s", err, frame.ErrInvalid, c.want)
			}
			if len(fmt.Sprint(err)) > 500 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
}

func TestFrameMissing(t *testing.T) {
	t.Parallel()
	if _, err := cueconv.Frame(nil); !errors.Is(err, frame.ErrInvalid) {
		t.Errorf("have %v, want %v", err, frame.ErrInvalid)
	}
}
