package cueconv_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"rqdswarm/rqdcore/cueconv"
	"rqdswarm/rqdcore/cuepb/hostpb"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/frame"
)

func running(t *testing.T) frame.Running {
	t.Helper()
	f, err := cueconv.Frame(order())
	if err != nil {
		t.Fatal(err)
	}
	f.GPUs = 2
	return frame.Running{
		Frame:      f,
		Attributes: map[string]string{"CPU_LIST": "0,4", "container_id": "c0ffee"},
		Figures: frame.Figures{
			RSS: 1, MaxRSS: 2, VSize: 3, MaxVSize: 4, PSS: 5, MaxPSS: 6, Swap: 7, UsedGPU: 8, MaxUsedGPU: 9, LogUpdated: 1795493170,
			Processes: []frame.Process{{
				PID: 77, Name: "povray", State: "R", RSS: 10, VSize: 11, Cmdline: "povray scene.pov",
				Started: time.Date(2026, 11, 24, 4, 5, 6, 0, time.Local),
			}},
		},
	}
}

func host() frame.Host {
	return frame.Host{
		Name: "render01", Facility: "local", Sockets: 2, CoresPerProc: 400, TotalSwap: 1, FreeSwap: 2, TotalMemory: 3, FreeMemory: 4,
		TotalMCP: 5, FreeMCP: 6, Load: 7, BootTime: 1795491849, Tags: []string{"rqdv-dev", "general"}, State: frame.HostDown,
		Attributes: map[string]string{"SP_OS": "rocky9", "swapout": "0"}, GPUs: 8, TotalGPU: 9, FreeGPU: 10,
	}
}

func TestRunning(t *testing.T) {
	t.Parallel()
	want := &reportpb.RunningFrameInfo{
		ResourceId: "6d8067ea-a342-41d3-892a-aabef86813a1", JobId: "ffe52bb3-7920-4717-a395-5c94cd862eed",
		JobName: "testing-sh010-artist1_ok1", FrameId: "63f19e41-440d-4d4d-8d71-f0d62a05ca0e", FrameName: "0001-plain",
		LayerId: "1fddb68a-c4b8-427f-a4f5-500967b09964", NumCores: 100, StartTime: 1795493164120, MaxRss: 2, Rss: 1, MaxVsize: 4,
		Vsize: 3, Attributes: map[string]string{"CPU_LIST": "0,4", "container_id": "c0ffee"}, LluTime: 1795493170, NumGpus: 2,
		MaxUsedGpuMemory: 9, UsedGpuMemory: 8, UsedSwapMemory: 7, MaxPss: 6, Pss: 5,
		Children: &reportpb.ChildrenProcStats{Children: []*reportpb.ProcStats{{
			Stat:    &reportpb.Stat{Rss: 10, Vsize: 11, State: "R", Name: "povray", Pid: "77"},
			Statm:   &reportpb.Statm{Rss: 10, Size: 11},
			Cmdline: "povray scene.pov", StartTime: "2026-11-24 04:05:06",
		}}},
	}
	have := cueconv.Running(running(t))
	if diff := cmp.Diff(want, have, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	complete(t, have)
}

func TestRenderHost(t *testing.T) {
	t.Parallel()
	want := &reportpb.RenderHost{
		Name: "render01", Facility: "local", NumProcs: 2, CoresPerProc: 400, TotalSwap: 1, FreeSwap: 2, TotalMem: 3, FreeMem: 4,
		TotalMcp: 5, FreeMcp: 6, Load: 7, BootTime: 1795491849, Tags: []string{"rqdv-dev", "general"}, State: hostpb.HardwareState_DOWN,
		Attributes: map[string]string{"SP_OS": "rocky9", "swapout": "0"}, NumGpus: 8, TotalGpuMem: 9, FreeGpuMem: 10,
	}
	have := cueconv.RenderHost(host())
	if diff := cmp.Diff(want, have, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	complete(t, have, "nimby_enabled", "nimby_locked")
}

// complete fails for every field that the message could have and the converter never sets.
func complete(t *testing.T, m proto.Message, never ...protoreflect.Name) {
	t.Helper()
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		want := !slices.Contains(never, f.Name())
		if have := m.ProtoReflect().Has(f); have != want {
			t.Errorf("%s set: have %t, want %t", f.FullName(), have, want)
		}
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	r := frame.HostReport{Host: host(), Cores: frame.Cores{Total: 800, Idle: 500, Locked: 200, Booked: 100}, Frames: []frame.Running{running(t)}}
	cores := &reportpb.CoreDetail{TotalCores: 800, IdleCores: 500, LockedCores: 200, BookedCores: 100}
	wantReport := &reportpb.HostReport{Host: cueconv.RenderHost(r.Host), CoreInfo: cores, Frames: []*reportpb.RunningFrameInfo{cueconv.Running(r.Frames[0])}}
	if diff := cmp.Diff(wantReport, cueconv.HostReport(r), protocmp.Transform()); diff != "" {
		t.Errorf("host report (-want +have):\n%s", diff)
	}
	wantBoot := &reportpb.BootReport{Host: cueconv.RenderHost(r.Host), CoreInfo: cores}
	if diff := cmp.Diff(wantBoot, cueconv.BootReport(r), protocmp.Transform()); diff != "" {
		t.Errorf("boot report (-want +have):\n%s", diff)
	}
	c := frame.Completion{Running: r.Frames[0], ExitStatus: 1, ExitSignal: 9, RunTime: 61900 * time.Millisecond}
	wantEnd := &reportpb.FrameCompleteReport{Host: cueconv.RenderHost(r.Host), Frame: cueconv.Running(r.Frames[0]), ExitStatus: 1, ExitSignal: 9, RunTime: 61}
	if diff := cmp.Diff(wantEnd, cueconv.FrameCompleteReport(c, r.Host), protocmp.Transform()); diff != "" {
		t.Errorf("completion (-want +have):\n%s", diff)
	}
}

// What processes call themselves is no reason for Cuebot to lose the host.
func TestForeignBytesAreReported(t *testing.T) {
	t.Parallel()
	r := frame.HostReport{Host: host(), Frames: []frame.Running{running(t)}}
	r.Host.Name, r.Host.Facility, r.Host.Tags = "a\xff", "b\xff", []string{"c\xff"}
	r.Host.Attributes["d\xff"] = "e\xff"
	r.Frames[0].Attributes["f\xff"] = "g\xff"
	r.Frames[0].Figures.Processes[0].Name = "h\xff"
	r.Frames[0].Figures.Processes[0].Cmdline = strings.Repeat("é", 10_000)
	report := cueconv.HostReport(r)
	if _, err := proto.Marshal(report); err != nil {
		t.Fatal(err)
	}
	if n := len(report.GetFrames()[0].GetChildren().GetChildren()[0].GetCmdline()); n > 4096 {
		t.Errorf("command line of %d bytes, want 4096 at most", n)
	}
	if have := report.GetHost().GetAttributes()["d"]; have != "e" {
		t.Errorf("attribute d is %q, want e", have)
	}
}

func TestNumbersThatDoNotFit(t *testing.T) {
	t.Parallel()
	h := host()
	h.BootTime = 1 << 40
	if have := cueconv.RenderHost(h).GetBootTime(); have != math.MaxInt32 {
		t.Errorf("boot time: have %d, want %d", have, math.MaxInt32)
	}
	c := frame.Completion{RunTime: -time.Second}
	if have := cueconv.FrameCompleteReport(c, h).GetRunTime(); have != 0 {
		t.Errorf("run time: have %d, want 0", have)
	}
}
