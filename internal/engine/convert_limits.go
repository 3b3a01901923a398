package engine

import (
	"maps"
	"slices"

	"github.com/docker/docker/api/types/blkiodev"
	"github.com/docker/docker/api/types/container"
)

func toResources(s Spec) container.Resources {
	r := container.Resources{
		Memory:            s.Memory,
		MemoryReservation: s.MemoryReservation,
		MemorySwap:        s.MemorySwap,
		NanoCPUs:          s.NanoCPUs,
		CPUShares:         s.CPUShares,
		CpusetCpus:        s.CPUSet,

		CpusetMems:         s.CPUSetMems,
		CPUPeriod:          s.CPUPeriod,
		CPUQuota:           s.CPUQuota,
		CPURealtimePeriod:  s.CPURTPeriod,
		CPURealtimeRuntime: s.CPURTRuntime,
		CgroupParent:       s.CgroupParent,
	}
	if s.Swappiness != nil {
		swappiness := *s.Swappiness
		r.MemorySwappiness = &swappiness
	}
	if s.OOMKillDisable {
		r.OomKillDisable = &s.OOMKillDisable
	}
	applyBlockIO(&r, s.BlockIO)
	if s.PidsLimit != 0 {
		r.PidsLimit = &s.PidsLimit
	}
	for _, u := range s.Ulimits {
		r.Ulimits = append(r.Ulimits, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	for _, d := range s.Devices {
		r.Devices = append(r.Devices, toDevice(d))
	}
	for _, g := range s.GPUs {
		r.DeviceRequests = append(r.DeviceRequests, toDeviceRequest(g))
	}
	return r
}

func applyBlockIO(r *container.Resources, b BlockIO) {
	r.BlkioWeight = b.Weight
	for _, w := range b.DeviceWeight {
		r.BlkioWeightDevice = append(r.BlkioWeightDevice, &blkiodev.WeightDevice{Path: w.Device, Weight: uint16(w.Rate)})
	}
	r.BlkioDeviceReadBps = toThrottles(b.ReadBps)
	r.BlkioDeviceWriteBps = toThrottles(b.WriteBps)
	r.BlkioDeviceReadIOps = toThrottles(b.ReadIOps)
	r.BlkioDeviceWriteIOps = toThrottles(b.WriteIOps)
}

func toThrottles(rates []DeviceRate) (throttles []*blkiodev.ThrottleDevice) {
	for _, d := range rates {
		throttles = append(throttles, &blkiodev.ThrottleDevice{Path: d.Device, Rate: d.Rate})
	}
	return throttles
}

// toDevice fills in what docker run's --device leaves out.
func toDevice(d Device) container.DeviceMapping {
	m := container.DeviceMapping{
		PathOnHost:        d.HostPath,
		PathInContainer:   d.ContainerPath,
		CgroupPermissions: d.Permissions,
	}
	if m.PathInContainer == "" {
		m.PathInContainer = m.PathOnHost
	}
	if m.CgroupPermissions == "" {
		m.CgroupPermissions = "rwm"
	}
	return m
}

// DriverCDI is the Driver of a GPURequest whose IDs are names of the Container Device Interface.
const DriverCDI = "cdi"

func toDeviceRequest(g GPURequest) container.DeviceRequest {
	r := container.DeviceRequest{Driver: g.Driver, Count: g.Count, DeviceIDs: slices.Clone(g.IDs)}
	r.Options = maps.Clone(g.Options)
	if g.Driver == DriverCDI {
		return r // Its names say it all.
	}
	capabilities := slices.Clone(g.Capabilities)
	if len(capabilities) == 0 {
		capabilities = []string{"gpu"}
	}
	r.Capabilities = [][]string{capabilities}
	return r
}
