package farm

import (
	"slices"
	"strings"
	"time"
)

// HostView is a host as people see it; sizes in KiB.
type HostView struct {
	Name       string        `json:"name"`
	State      HardwareState `json:"state"`
	Lock       LockState     `json:"lock"`
	OS         []string      `json:"os"`
	Cores      Points        `json:"cores"`  // Bookable, in core points.
	Booked     Points        `json:"booked"` // By the farm.
	Reported   Cores         `json:"reported"`
	Memory     int64         `json:"memory"`
	FreeMemory int64         `json:"free_memory"`
	GPUs       int32         `json:"gpus"`
	Frames     int           `json:"frames"`
	Load       int32         `json:"load"`
	BootTime   int64         `json:"boot_time"`
	Tags       []string      `json:"tags"`
	Seen       time.Time     `json:"seen"`
	Age        float64       `json:"age"` // Seconds since the last report, by the farm's clock.
	Note       string        `json:"note,omitempty"`
	Doubts     []string      `json:"doubts,omitempty"` // What a real Cuebot would not take over.
}

// FrameView is a frame as people see it.
type FrameView struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Number     int       `json:"number"`
	Job        string    `json:"job"`
	JobID      string    `json:"job_id"`
	State      State     `json:"state"`
	Host       string    `json:"host,omitempty"`
	ResourceID string    `json:"resource_id,omitempty"`
	Runs       int       `json:"runs"`
	Retries    int       `json:"retries"`
	Status     int32     `json:"exit_status"` // -1 before the first end.
	Signal     int32     `json:"exit_signal"`
	Killed     bool      `json:"killed,omitempty"`
	Started    time.Time `json:"started,omitzero"`
	Ended      time.Time `json:"ended,omitzero"`
	Seconds    float64   `json:"seconds"`  // Of the last run, by the farm's clock.
	RunTime    int32     `json:"run_time"` // Of the last run, as RQD reported it.
	RSS        int64     `json:"rss"`      // KiB.
	MaxRSS     int64     `json:"max_rss"`  // KiB.
	Log        string    `json:"log"`
	Waiting    string    `json:"waiting,omitempty"` // Why it waits.
}

// JobView is a job as it was taken in.
type JobView struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	LogDir     string      `json:"log_dir"`
	Cores      Points      `json:"cores"`
	Threadable bool        `json:"threadable"`
	Memory     int64       `json:"memory"` // KiB.
	Frames     []FrameView `json:"frames"`
}

// Hosts lists all hosts by name.
func (f *Farm) Hosts() []HostView {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []HostView{}
	for _, h := range f.sortedHosts() {
		out = append(out, f.hostView(h))
	}
	return out
}

func (f *Farm) hostView(h *host) HostView {
	idle, _, _ := h.idle()
	v := HostView{
		Name: h.name, State: h.state, Lock: Open, OS: h.machine.offers(),
		Cores: h.total, Booked: h.total - idle, Reported: h.cores,
		Memory: h.memory, FreeMemory: h.machine.FreeMemory, GPUs: h.gpus,
		Frames: len(h.procs), Load: h.machine.Load, BootTime: h.machine.BootTime,
		Tags: slices.Clone(h.machine.Tags), Seen: h.pinged, Age: f.cfg.Now().Sub(h.pinged).Seconds(),
		Doubts: slices.Clone(h.doubts),
	}
	if h.locked {
		v.Lock = Locked
	}
	if h.state != Down && !h.locked {
		v.Note = h.closed()
	}
	if v.Note == "" && h.refused != "" {
		v.Note = "refused a frame: " + h.refused
	}
	return v
}

// Frames lists the frames of all jobs, oldest job first.
func (f *Farm) Frames() []FrameView {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []FrameView{}
	for _, j := range f.jobs {
		why := f.whyWaiting(j)
		for _, fr := range j.frames {
			v := fr.view()
			if fr.state == InFlight {
				v.Seconds = f.cfg.Now().Sub(fr.started).Seconds()
			}
			if fr.state == Waiting {
				v.Waiting = why
			}
			out = append(out, v)
		}
	}
	return out
}

func (j *job) view() JobView {
	v := JobView{ID: j.id, Name: j.name, LogDir: j.logDir, Cores: j.spec.Cores, Threadable: j.spec.Threadable, Memory: j.memory}
	for _, fr := range j.frames {
		v.Frames = append(v.Frames, fr.view())
	}
	return v
}

func (fr *frame) view() FrameView {
	v := FrameView{
		ID: fr.id, Name: fr.name, Number: fr.number, Job: fr.job.name, JobID: fr.job.id,
		State: fr.state, Host: fr.host, Runs: fr.runs, Retries: fr.retries,
		Status: fr.status, Signal: fr.signal, Killed: fr.killed,
		Started: fr.started, Ended: fr.ended, RunTime: fr.runTime, RSS: fr.rss, MaxRSS: fr.maxRSS,
		Log: logPath(fr.job.logDir, fr.job.name, fr.name),
	}
	if fr.proc != nil {
		v.ResourceID = fr.proc.id
	}
	if !fr.ended.IsZero() {
		v.Seconds = fr.ended.Sub(fr.started).Seconds()
	}
	return v
}

func (f *Farm) sortedHosts() []*host {
	out := make([]*host, 0, len(f.hosts))
	for _, h := range f.hosts {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b *host) int { return strings.Compare(a.name, b.name) })
	return out
}

func (f *Farm) sortedProcs() []*proc {
	out := make([]*proc, 0, len(f.procs))
	for _, p := range f.procs {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *proc) int { return strings.Compare(a.id, b.id) })
	return out
}
