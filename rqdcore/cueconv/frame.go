package cueconv

import (
	"maps"
	"path"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
)

// Frame reads an order. What no host could carry out is refused with frame.ErrInvalid and an
// error that names the field, its value and what would be right.
func Frame(order *rqdpb.RunFrame) (frame.Frame, error) {
	if err := validate(order); err != nil {
		return frame.Frame{}, err
	}
	f := frame.Frame{
		ID:          order.GetFrameId(),
		ResourceID:  order.GetResourceId(),
		JobID:       order.GetJobId(),
		JobName:     order.GetJobName(),
		Name:        order.GetFrameName(),
		LayerID:     order.GetLayerId(),
		Command:     order.GetCommand(),
		UserName:    order.GetUserName(),
		Show:        order.GetShow(),
		Shot:        order.GetShot(),
		OS:          order.GetOs(),
		LokiURL:     order.GetLokiUrl(),
		StartTime:   order.GetStartTime(),
		GID:         order.GetGid(),
		Cores:       frame.CorePoints(order.GetNumCores()),
		GPUs:        order.GetNumGpus(),
		IgnoreNimby: order.GetIgnoreNimby(),
		Environment: maps.Clone(order.GetEnvironment()),
		Attributes:  maps.Clone(order.GetAttributes()),
		SoftMemory:  order.GetSoftMemoryLimit(),
		HardMemory:  order.GetHardMemoryLimit(),
	}
	if order.GetLogDir() != "" {
		f.LogDir = path.Clean(order.GetLogDir())
	}
	if order.GetUidOptional() != nil {
		uid := order.GetUid()
		f.UID = &uid
	}
	return f, nil
}

// RunFrame is the reverse of Frame, for GetRunFrame.
func RunFrame(f frame.Frame) *rqdpb.RunFrame {
	order := &rqdpb.RunFrame{
		ResourceId:      f.ResourceID,
		JobId:           f.JobID,
		JobName:         f.JobName,
		FrameId:         f.ID,
		FrameName:       f.Name,
		LayerId:         f.LayerID,
		Command:         f.Command,
		UserName:        f.UserName,
		LogDir:          f.LogDir,
		Show:            f.Show,
		Shot:            f.Shot,
		StartTime:       f.StartTime,
		NumCores:        int32(f.Cores),
		Gid:             f.GID,
		IgnoreNimby:     f.IgnoreNimby,
		Environment:     maps.Clone(f.Environment),
		Attributes:      maps.Clone(f.Attributes),
		NumGpus:         f.GPUs,
		Os:              f.OS,
		SoftMemoryLimit: f.SoftMemory,
		HardMemoryLimit: f.HardMemory,
		LokiUrl:         f.LokiURL,
	}
	if f.UID != nil {
		order.UidOptional = &rqdpb.RunFrame_Uid{Uid: *f.UID}
	}
	return order
}
