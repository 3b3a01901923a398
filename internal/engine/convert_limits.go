package engine

import (
	"slices"

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
	}
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

func toDeviceRequest(g GPURequest) container.DeviceRequest {
	r := container.DeviceRequest{Driver: g.Driver, Count: g.Count, DeviceIDs: slices.Clone(g.IDs)}
	capabilities := slices.Clone(g.Capabilities)
	if len(capabilities) == 0 {
		capabilities = []string{"gpu"}
	}
	r.Capabilities = [][]string{capabilities}
	return r
}
