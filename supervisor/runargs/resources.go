package runargs

import (
	"errors"
	"regexp"
	"slices"
	"strconv"

	"github.com/docker/cli/opts"

	"rqdswarm/internal/engine"
)

func cpus(value string, _ Context) (change, error) {
	nano, err := opts.ParseCPUs(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.NanoCPUs = nano }, nil
}

func cpuShares(value string, _ Context) (change, error) {
	return integer(value, func(s *engine.Spec, n int64) { s.CPUShares = n })
}

func cpuset(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.CPUSet = value }, nil
}

func memory(value string, _ Context) (change, error) {
	return size(value, func(s *engine.Spec, n int64) { s.Memory = n })
}

func memoryReservation(value string, _ Context) (change, error) {
	return size(value, func(s *engine.Spec, n int64) { s.MemoryReservation = n })
}

func shmSize(value string, _ Context) (change, error) {
	return size(value, func(s *engine.Spec, n int64) { s.ShmSize = n })
}

func size(value string, set func(*engine.Spec, int64)) (change, error) {
	var n opts.MemBytes
	if err := n.Set(value); err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { set(s, n.Value()) }, nil
}

func memorySwap(value string, _ Context) (change, error) {
	var n opts.MemSwapBytes
	if err := n.Set(value); err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { s.MemorySwap = n.Value() }, nil
}

func pidsLimit(value string, _ Context) (change, error) {
	return integer(value, func(s *engine.Spec, n int64) { s.PidsLimit = n })
}

func oomScoreAdj(value string, _ Context) (change, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < -1000 || n > 1000 {
		return nil, errors.New("want a number from -1000 to 1000")
	}
	return func(s *engine.Spec) { s.OOMScoreAdj = n }, nil
}

func integer(value string, set func(*engine.Spec, int64)) (change, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, errors.New("want a whole number")
	}
	return func(s *engine.Spec) { set(s, n) }, nil
}

func cpusetMems(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.CPUSetMems = value }, nil
}

func cpuPeriod(value string, _ Context) (change, error) {
	return integer(value, func(s *engine.Spec, n int64) { s.CPUPeriod = n })
}

func cpuQuota(value string, _ Context) (change, error) {
	return integer(value, func(s *engine.Spec, n int64) { s.CPUQuota = n })
}

func cpuRTPeriod(value string, _ Context) (change, error) {
	return integer(value, func(s *engine.Spec, n int64) { s.CPURTPeriod = n })
}

func cpuRTRuntime(value string, _ Context) (change, error) {
	return integer(value, func(s *engine.Spec, n int64) { s.CPURTRuntime = n })
}

func swappiness(value string, _ Context) (change, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < -1 || n > 100 {
		return nil, errors.New("want a number from 0 to 100, or -1 for the host's")
	}
	return func(s *engine.Spec) {
		s.Swappiness = &n
		if n == -1 {
			s.Swappiness = nil
		}
	}, nil
}

func oomKillDisable(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.OOMKillDisable = on })
}

func cgroupParent(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.CgroupParent = value }, nil
}

func ulimit(value string, _ Context) (change, error) {
	o := opts.NewUlimitOpt(nil)
	if err := o.Set(value); err != nil {
		return nil, err
	}
	found := o.GetList()[0]
	return func(s *engine.Spec) {
		s.Ulimits = slices.DeleteFunc(slices.Clone(s.Ulimits), func(u engine.Ulimit) bool { return u.Name == found.Name })
		s.Ulimits = append(s.Ulimits, engine.Ulimit{Name: found.Name, Soft: found.Soft, Hard: found.Hard})
	}, nil
}

func gpus(value string, _ Context) (change, error) {
	var o opts.GpuOpts
	if err := o.Set(value); err != nil {
		return nil, err
	}
	found := o.Value()[0]
	request := engine.GPURequest{Driver: found.Driver, Count: found.Count, IDs: found.DeviceIDs, Capabilities: found.Capabilities[0]}
	if len(found.Options) > 0 {
		request.Options = found.Options
	}
	return func(s *engine.Spec) { s.GPUs = append(s.GPUs, request) }, nil
}

// device takes a node of /dev, or the name of a device of the Container Device Interface.
func device(value string, _ Context) (change, error) {
	if regexp.MustCompile(`^[A-Za-z][\w.-]*/[A-Za-z][\w.-]*=\w[\w.:-]*$`).MatchString(value) {
		return func(s *engine.Spec) { addCDI(s, value) }, nil
	}
	d, ok := engine.ParseDevice(value)
	if !ok {
		return nil, errors.New("want /dev/HOST, /dev/HOST:/dev/CONTAINER or /dev/HOST:/dev/CONTAINER:rwm")
	}
	return func(s *engine.Spec) { s.Devices = append(s.Devices, d) }, nil
}

// addCDI asks for one more device by name; docker puts all names into one request.
func addCDI(s *engine.Spec, name string) {
	s.GPUs = slices.Clone(s.GPUs)
	for i, r := range s.GPUs {
		if r.Driver == engine.DriverCDI {
			s.GPUs[i].IDs = append(slices.Clone(r.IDs), name)
			return
		}
	}
	s.GPUs = append(s.GPUs, engine.GPURequest{Driver: engine.DriverCDI, IDs: []string{name}})
}

func deviceCgroupRule(value string, _ Context) (change, error) {
	if !regexp.MustCompile(`^[abc] (\d+|\*):(\d+|\*) [rwm]{1,3}$`).MatchString(value) {
		return nil, errors.New("want for example 'c 195:* rmw'")
	}
	return func(s *engine.Spec) { s.DeviceCgroupRules = append(s.DeviceCgroupRules, value) }, nil
}
