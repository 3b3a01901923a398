package cueconv

import (
	"math"
	"strconv"
	"strings"
	"time"

	"rqdswarm/rqdcore/cuepb/hostpb"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/frame"
)

// maxCmdline bounds what one process adds to a report: some renderers list every texture.
const maxCmdline = 4096

// HostReport writes the periodic report.
func HostReport(r frame.HostReport) *reportpb.HostReport {
	out := &reportpb.HostReport{
		Host:     RenderHost(r.Host),
		CoreInfo: CoreDetail(r.Cores),
		Frames:   make([]*reportpb.RunningFrameInfo, 0, len(r.Frames)),
	}
	for _, f := range r.Frames {
		out.Frames = append(out.Frames, Running(f))
	}
	return out
}

// BootReport writes the report that announces a host. It has no frames: Cuebot would not read them.
func BootReport(r frame.HostReport) *reportpb.BootReport {
	return &reportpb.BootReport{Host: RenderHost(r.Host), CoreInfo: CoreDetail(r.Cores)}
}

// FrameCompleteReport writes how a frame ended. Without a host Cuebot would give up the proc.
func FrameCompleteReport(c frame.Completion, h frame.Host) *reportpb.FrameCompleteReport {
	return &reportpb.FrameCompleteReport{
		Host:       RenderHost(h),
		Frame:      Running(c.Running),
		ExitStatus: c.ExitStatus,
		ExitSignal: c.ExitSignal,
		RunTime:    clamp(int64(max(c.RunTime, 0) / time.Second)),
	}
}

// RenderHost writes the machine. Nimby is never enabled: an RQD that only runs containers has no desk user.
func RenderHost(h frame.Host) *reportpb.RenderHost {
	out := &reportpb.RenderHost{
		Name:         valid(h.Name),
		Facility:     valid(h.Facility),
		NumProcs:     h.Sockets,
		CoresPerProc: int32(h.CoresPerProc),
		TotalSwap:    h.TotalSwap,
		TotalMem:     h.TotalMemory,
		TotalMcp:     h.TotalMCP,
		FreeSwap:     h.FreeSwap,
		FreeMem:      h.FreeMemory,
		FreeMcp:      h.FreeMCP,
		Load:         h.Load,
		BootTime:     clamp(h.BootTime),
		State:        hostpb.HardwareState(h.State),
		Attributes:   Attributes(h.Attributes),
		NumGpus:      h.GPUs,
		FreeGpuMem:   h.FreeGPU,
		TotalGpuMem:  h.TotalGPU,
	}
	for _, tag := range h.Tags {
		out.Tags = append(out.Tags, valid(tag))
	}
	return out
}

// CoreDetail writes the ledger.
func CoreDetail(c frame.Cores) *reportpb.CoreDetail {
	return &reportpb.CoreDetail{
		TotalCores:  int32(c.Total),
		IdleCores:   int32(c.Idle),
		LockedCores: int32(c.Locked),
		BookedCores: int32(c.Booked),
	}
}

// Running writes a frame with its figures. What Cuebot sent is echoed unchanged.
func Running(r frame.Running) *reportpb.RunningFrameInfo {
	return &reportpb.RunningFrameInfo{
		ResourceId:       r.Frame.ResourceID,
		JobId:            r.Frame.JobID,
		JobName:          r.Frame.JobName,
		FrameId:          r.Frame.ID,
		FrameName:        r.Frame.Name,
		LayerId:          r.Frame.LayerID,
		NumCores:         int32(r.Frame.Cores),
		StartTime:        r.Frame.StartTime,
		MaxRss:           r.Figures.MaxRSS,
		Rss:              r.Figures.RSS,
		MaxVsize:         r.Figures.MaxVSize,
		Vsize:            r.Figures.VSize,
		Attributes:       Attributes(r.Attributes),
		LluTime:          r.Figures.LogUpdated,
		NumGpus:          r.Frame.GPUs,
		MaxUsedGpuMemory: r.Figures.MaxUsedGPU,
		UsedGpuMemory:    r.Figures.UsedGPU,
		Children:         children(r.Figures.Processes),
		UsedSwapMemory:   r.Figures.Swap,
		MaxPss:           r.Figures.MaxPSS,
		Pss:              r.Figures.PSS,
	}
}

func children(processes []frame.Process) *reportpb.ChildrenProcStats {
	if len(processes) == 0 {
		return nil
	}
	out := &reportpb.ChildrenProcStats{}
	for _, p := range processes {
		out.Children = append(out.Children, &reportpb.ProcStats{
			Stat: &reportpb.Stat{
				Rss:   p.RSS,
				Vsize: p.VSize,
				State: valid(p.State),
				Name:  valid(p.Name),
				Pid:   strconv.Itoa(p.PID),
			},
			Statm:     &reportpb.Statm{Rss: p.RSS, Size: p.VSize},
			Cmdline:   valid(p.Cmdline[:min(len(p.Cmdline), maxCmdline)]),
			StartTime: started(p.Started),
		})
	}
	return out
}

// started is for people: CueGUI shows it as it is.
func started(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// Attributes copies a map, since the message is encoded after the lock on the original is gone.
func Attributes(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[valid(k)] = valid(v)
	}
	return out
}

// valid drops bytes that are not UTF-8, as a process may have in its name: one of them would
// make the whole report impossible to encode.
func valid(s string) string { return strings.ToValidUTF8(s, "") }

func clamp(n int64) int32 { return int32(min(max(n, math.MinInt32), math.MaxInt32)) }
