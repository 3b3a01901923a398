package farm

import (
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"
)

// Config is what a farm is made with. The zero value works.
type Config struct {
	Now   func() time.Time // Defaults to time.Now.
	NewID func() string    // Defaults to random UUIDs.
	// LogRoot is where jobs without a log directory of their own get one.
	LogRoot string
	// ObeyLoad lowers a host's idle cores by its load average, as Cuebot does. Off by default:
	// a person who tries things out on a busy machine would only see frames that wait.
	ObeyLoad bool
}

// Farm holds hosts, jobs and frames. Its methods may be called from any goroutine; none
// of them blocks.
type Farm struct {
	cfg Config

	mu      sync.Mutex
	hosts   map[string]*host // By short name.
	jobs    []*job           // Oldest first.
	frames  map[string]*frame
	procs   map[string]*proc
	kills   map[killKey]killCount
	changed chan struct{} // Closed and replaced at each change.
}

type host struct {
	name    string // What is dialled: without domain.
	fqdn    string // As reported.
	machine Machine
	cores   Cores
	state   HardwareState
	locked  bool
	pinged  time.Time

	total  Points // Bookable; like memory and gpus taken from a boot report, and only while nothing runs.
	memory int64
	gpus   int32

	unloaded Points // Cores that the load average of the last report leaves, less those booked since.

	procs   map[string]*proc
	refused string   // Why the last order was refused. No more orders until the next report.
	doubts  []string // What a real Cuebot would silently not take over.
}

type job struct {
	id, name, layerID string
	logDir            string
	spec              Job
	memory            int64 // KiB, the layer's minimum now.
	optimise          bool  // Memory follows what the frames used.
	maxRSS            int64
	frames            []*frame
	waiting           []*frame // In the order of their numbers' appearance in the range.
	open              int      // Frames that are not final.
	events            []Event
	dropped           int // Events no longer held.
}

type frame struct {
	id, name string
	index    int // Position in its job.
	number   int
	job      *job
	state    State
	proc     *proc // While RUNNING.
	host     string
	killed   bool // A person wants it to end: it is not tried again.

	runs, retries  int
	status, signal int32
	announced      bool // The event of this run's start is out.
	started, ended time.Time
	runTime        int32
	rss, maxRSS    int64
	updated        int64 // Epoch seconds of the log's last line.
}

// proc is a booking: part of a host, given to one frame after the other of the same job.
type proc struct {
	id     string
	host   *host
	frame  *frame
	cores  Points
	memory int64
	gpus   int32
	pinged time.Time // Last seen in a verified report; not refreshed by the next frame.
}

// New returns an empty farm.
func New(cfg Config) *Farm {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewID == nil {
		cfg.NewID = newUUID
	}
	if cfg.LogRoot == "" {
		cfg.LogRoot = DefaultLogRoot
	}
	return &Farm{
		cfg:   cfg,
		hosts: map[string]*host{}, frames: map[string]*frame{}, procs: map[string]*proc{},
		kills: map[killKey]killCount{}, changed: make(chan struct{}),
	}
}

// DefaultLogRoot is a directory that the usual RQD container shares with its host.
const DefaultLogRoot = "/tmp/minicue/logs"

// keptFrames is how many frames stay listed; of more, the oldest jobs that are over are forgotten.
const keptFrames = 20_000

// Changed returns a channel that is closed at the next change of anything.
func (f *Farm) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// notify wakes everybody who waits for a change. The caller holds the lock.
func (f *Farm) notify() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// Submit takes a job in. Its frames are WAITING until Book finds a host for them.
func (f *Farm) Submit(spec Job) (JobView, error) {
	spec, numbers, err := spec.normal()
	if err != nil {
		return JobView{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	j := &job{
		id: f.cfg.NewID(), layerID: f.cfg.NewID(), name: spec.fullName(), spec: spec,
		memory: spec.Memory, optimise: true, logDir: spec.LogDir,
	}
	if j.logDir == "" {
		j.logDir = path.Join(f.cfg.LogRoot, spec.Show, spec.Shot, "logs", j.name+"--"+j.id)
	}
	for i, n := range numbers {
		fr := &frame{
			id: f.cfg.NewID(), name: spec.frameName(n), index: i, number: n,
			job: j, state: Waiting, status: statusNever,
		}
		j.frames = append(j.frames, fr)
		f.frames[fr.id] = fr
	}
	j.waiting = slices.Clone(j.frames)
	j.open = len(j.frames)
	f.jobs = append(f.jobs, j)
	f.notify()
	return j.view(), nil
}

// forget drops the oldest jobs that are over while too many frames are held.
func (f *Farm) forget() {
	f.jobs = slices.DeleteFunc(f.jobs, func(j *job) bool {
		if j.open > 0 || len(f.frames) <= keptFrames {
			return false
		}
		for _, fr := range j.frames {
			delete(f.frames, fr.id)
		}
		return true
	})
}

// requeue puts a frame that stopped back to WAITING, or ends it when a person wanted that.
func (j *job) requeue(fr *frame) {
	fr.proc = nil
	if fr.killed {
		j.end(fr, Eaten)
		return
	}
	fr.state = Waiting
	at, _ := slices.BinarySearchFunc(j.waiting, fr, func(a, b *frame) int { return a.index - b.index })
	j.waiting = slices.Insert(j.waiting, at, fr)
}

// end makes a frame final.
func (j *job) end(fr *frame, s State) {
	fr.proc, fr.state = nil, s
	j.open--
}

// unbook gives the proc's part of the host back.
func (f *Farm) unbook(p *proc) {
	delete(f.procs, p.id)
	delete(p.host.procs, p.id)
	p.frame = nil
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // Documented never to fail.
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
