package engine

// Limits bound what a container may use.
type Limits struct {
	Memory            int64 // Bytes; 0 is no limit.
	MemoryReservation int64 // Bytes.
	MemorySwap        int64 // Bytes of memory and swap together; -1 is no limit, 0 the engine's default (twice the memory).
	NanoCPUs          int64
	CPUShares         int64
	CPUSet            string // For example "0,1" or "0-3".
	CPUSetMems        string // Memory nodes, likewise.
	CPUPeriod         int64  // Microseconds, as the next three.
	CPUQuota          int64
	CPURTPeriod       int64
	CPURTRuntime      int64
	Swappiness        *int64 // 0 to 100; nil is the host's.
	OOMKillDisable    bool
	CgroupParent      string
	BlockIO           BlockIO
	PidsLimit         int64
	ShmSize           int64 // Bytes.
	OOMScoreAdj       int
	Ulimits           []Ulimit
}

// Ulimit is one resource limit of the container's processes.
type Ulimit struct {
	Name string // As in docker run: "nofile", "memlock", …
	Soft int64
	Hard int64
}

// BlockIO bounds the use of disks.
type BlockIO struct {
	Weight       uint16 // 10 to 1000.
	DeviceWeight []DeviceRate
	ReadBps      []DeviceRate // Bytes a second.
	WriteBps     []DeviceRate
	ReadIOps     []DeviceRate // Operations a second.
	WriteIOps    []DeviceRate
}

// DeviceRate is a bound, or a weight, for one device.
type DeviceRate struct {
	Device string // Path on the host.
	Rate   uint64
}
