package server

import (
	"rqdswarm/rqdcore/cuepb/hostpb"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/minicue/farm"
)

func machineOf(h *reportpb.RenderHost) farm.Machine {
	m := farm.Machine{
		Name: h.GetName(), Facility: h.GetFacility(),
		Sockets: h.GetNumProcs(), CoresPerProc: farm.Points(h.GetCoresPerProc()),
		TotalMemory: h.GetTotalMem(), FreeMemory: h.GetFreeMem(),
		TotalMCP: h.GetTotalMcp(), FreeMCP: h.GetFreeMcp(),
		Load: h.GetLoad(), BootTime: int64(h.GetBootTime()), State: farm.Up,
		NimbyLocked: h.GetNimbyLocked(), Tags: h.GetTags(), Attributes: h.GetAttributes(), GPUs: h.GetNumGpus(),
	}
	if h.GetState() != hostpb.HardwareState_UP {
		m.State = farm.HardwareState(h.GetState().String())
	}
	return m
}

func coresOf(c *reportpb.CoreDetail) farm.Cores {
	return farm.Cores{
		Total: farm.Points(c.GetTotalCores()), Idle: farm.Points(c.GetIdleCores()),
		Locked: farm.Points(c.GetLockedCores()), Booked: farm.Points(c.GetBookedCores()),
	}
}

func runningOf(r *reportpb.RunningFrameInfo) farm.Running {
	return farm.Running{
		ResourceID: r.GetResourceId(), FrameID: r.GetFrameId(), LayerID: r.GetLayerId(), Name: r.GetFrameName(),
		StartTime: r.GetStartTime(), RSS: r.GetRss(), MaxRSS: r.GetMaxRss(), LogUpdated: r.GetLluTime(),
	}
}

func reportOf(r *reportpb.HostReport) farm.Report {
	out := farm.Report{Machine: machineOf(r.GetHost()), Cores: coresOf(r.GetCoreInfo())}
	for _, f := range r.GetFrames() {
		out.Frames = append(out.Frames, runningOf(f))
	}
	return out
}

func completionOf(r *reportpb.FrameCompleteReport) farm.Completion {
	c := farm.Completion{
		Frame: runningOf(r.GetFrame()), Status: r.GetExitStatus(), Signal: r.GetExitSignal(), RunTime: r.GetRunTime(),
	}
	if r.GetHost() != nil {
		m := machineOf(r.GetHost())
		c.Machine = &m
	}
	return c
}

// runFrameOf leaves unset what Cuebot never sends: gid, attributes, children, pid, temporary directories.
func runFrameOf(o farm.Order) *rqdpb.RunFrame {
	r := &rqdpb.RunFrame{
		ResourceId: o.ResourceID, JobId: o.JobID, JobName: o.JobName, FrameId: o.FrameID, FrameName: o.FrameName,
		LayerId: o.LayerID, Command: o.Command, UserName: o.User, LogDir: o.LogDir, Show: o.Show, Shot: o.Shot,
		StartTime: o.StartTime, NumCores: int32(o.Cores), Environment: o.Environment, NumGpus: o.GPUs, Os: o.OS,
		SoftMemoryLimit: o.SoftMemory, HardMemoryLimit: o.HardMemory,
	}
	if o.UID != nil {
		r.UidOptional = &rqdpb.RunFrame_Uid{Uid: *o.UID}
	}
	return r
}
