package frame

import "time"

// CorePoints counts processor capacity as OpenCue does: 100 is one physical core.
type CorePoints int32

// Frame is one order to render, as LaunchFrame brought it. It is never changed afterwards.
// Field names follow rqd.RunFrame; json names are those of the journal.
type Frame struct {
	ID          string            `json:"frame_id"`
	ResourceID  string            `json:"resource_id"` // The proc at Cuebot; reused for the frames that follow each other on it.
	JobID       string            `json:"job_id"`
	JobName     string            `json:"job_name"`
	Name        string            `json:"frame_name"` // For example 0001-beauty.
	LayerID     string            `json:"layer_id"`
	Command     string            `json:"command"`
	UserName    string            `json:"user_name"`
	LogDir      string            `json:"log_dir"`
	Show        string            `json:"show"`
	Shot        string            `json:"shot"`
	OS          string            `json:"os,omitempty"` // Key of [docker.images]; empty picks the first.
	LokiURL     string            `json:"loki_url,omitempty"`
	StartTime   int64             `json:"start_time"`    // Dispatch time in epoch milliseconds; echoed bit for bit.
	UID         *int32            `json:"uid,omitempty"` // nil when the job has none: presence is significant.
	GID         int32             `json:"gid,omitempty"`
	Cores       CorePoints        `json:"num_cores"`
	GPUs        int32             `json:"num_gpus,omitempty"`
	IgnoreNimby bool              `json:"ignore_nimby,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	SoftMemory  int64             `json:"soft_memory_limit,omitempty"` // KiB.
	HardMemory  int64             `json:"hard_memory_limit,omitempty"` // KiB.
}

// Threadable says whether the layer may use all threads of whole cores: CUE_THREADABLE is exactly "1".
func (f Frame) Threadable() bool { return f.Environment["CUE_THREADABLE"] == "1" }

// LogFile is the base name of the frame's rqlog. CueGUI, CueWeb and pycue compute the same.
func (f Frame) LogFile() string { return f.JobName + "." + f.Name + ".rqlog" }

// Figures are the measurements of a frame; all sizes in KiB, each Max the largest seen so far.
type Figures struct {
	RSS        int64         `json:"rss"`
	MaxRSS     int64         `json:"max_rss"`
	VSize      int64         `json:"vsize"`
	MaxVSize   int64         `json:"max_vsize"`
	PSS        int64         `json:"pss"`
	MaxPSS     int64         `json:"max_pss"`
	Swap       int64         `json:"swap"`
	UsedGPU    int64         `json:"used_gpu,omitempty"`
	MaxUsedGPU int64         `json:"max_used_gpu,omitempty"`
	LogUpdated int64         `json:"llu_time,omitempty"` // Epoch seconds of the rqlog's last growth; 0 before the first.
	UserTime   time.Duration `json:"utime,omitempty"`
	SystemTime time.Duration `json:"stime,omitempty"`
	Processes  []Process     `json:"-"`
}

// Process is one live process of a frame, for CueGUI's process view.
type Process struct {
	PID     int
	Name    string
	State   string // One letter, as in /proc/PID/stat.
	RSS     int64  // KiB.
	VSize   int64  // KiB.
	Cmdline string // Arguments joined by blanks.
	Started time.Time
}

// Running is what a host report says of a frame between its acceptance and its end.
type Running struct {
	Frame      Frame
	Attributes map[string]string // The frame's own, with CPU_LIST, GPU_LIST and container_id.
	Figures    Figures
}

// Completion is what Cuebot is owed for a frame that ended. It lives in the outbox until acknowledged.
type Completion struct {
	Running    Running       `json:"running"`
	ExitStatus int32         `json:"exit_status"`
	ExitSignal int32         `json:"exit_signal"`
	RunTime    time.Duration `json:"run_time"` // From the container's start to its end; sent as whole seconds.
}

// Cores is the ledger's state. Idle + Locked + Booked = Total at all times.
type Cores struct {
	Total  CorePoints
	Idle   CorePoints
	Locked CorePoints
	Booked CorePoints
}

// HostState is the hardware state that Cuebot is told.
type HostState int32

// The only two states an RQD reports (host.HardwareState).
const (
	HostUp   HostState = 0
	HostDown HostState = 1
)

// Host is what every report says of the machine; sizes in KiB.
type Host struct {
	Name         string
	Facility     string
	Sockets      int32      // num_procs.
	CoresPerProc CorePoints // Core points of one socket.
	TotalSwap    int64
	FreeSwap     int64
	TotalMemory  int64
	FreeMemory   int64
	TotalMCP     int64 // Temporary space; 0 would put the host into REPAIR.
	FreeMCP      int64
	Load         int32 // 1-minute load × 100, divided by the hyper-threading multiplier.
	BootTime     int64 // Epoch seconds of the kernel's boot, never of RQD's.
	Tags         []string
	State        HostState
	Attributes   map[string]string // SP_OS, hyperthreadingMultiplier, swapout.
	GPUs         int32
	TotalGPU     int64
	FreeGPU      int64
}

// HostReport is the periodic word to Cuebot: the machine, its cores, and every frame it holds.
type HostReport struct {
	Host   Host
	Cores  Cores
	Frames []Running
}
