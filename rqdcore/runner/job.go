package runner

import (
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rqdswarm/rqdcore/frame"
)

// Job is one accepted frame as the rest of RQD sees it: it can be killed and asked how it is.
// Runner.Run owns its progress.
type Job struct {
	promise Promise
	adopted bool // Of an earlier RQD: its container may exist in any state.
	killed  chan struct{}
	hint    chan struct{} // Something happened to the container; capacity 1, so hints coalesce.

	said atomic.Bool // frameinit's last word is here: its container ends by itself, now.
	dead atomic.Bool // The engine has told so.

	mu          sync.Mutex
	killMessage string
	killOnce    sync.Once
	abandoned   string // Why RQD itself gave the frame up; empty when it did not.
	container   string // Id, once created.
	figures     frame.Figures
}

// NewJob makes the job of a frame that was accepted just now.
func NewJob(p Promise) *Job {
	j := &Job{promise: p, killed: make(chan struct{}), hint: make(chan struct{}, 1)}
	if p.Killed {
		j.Kill(p.KillMessage)
	}
	return j
}

// AdoptJob makes the job of a frame that an earlier RQD promised.
func AdoptJob(p Promise) *Job {
	j := NewJob(p)
	j.adopted = true
	return j
}

// Promise is what was accepted.
func (j *Job) Promise() Promise { return j.promise }

// Kill asks for the frame's end and returns at once. It may be called at any moment and any
// number of times; the first message that says something is kept for the rqlog's footer.
func (j *Job) Kill(message string) {
	j.mu.Lock()
	if j.killMessage == "" {
		j.killMessage = message
	}
	j.mu.Unlock()
	j.killOnce.Do(func() { close(j.killed) })
}

// Abandon ends the frame like Kill, but as a loss of the infrastructure, unless it was killed before.
func (j *Job) Abandon(why string) {
	j.mu.Lock()
	if !j.WasKilled() && j.abandoned == "" {
		j.abandoned = why
	}
	j.mu.Unlock()
	j.killOnce.Do(func() { close(j.killed) })
}

// ended is how an exit counts, given why the frame was ended.
func (j *Job) ended(e frame.Exit) frame.Exit {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.abandoned != "" && e.Reason == frame.ReasonKilled {
		e.Reason, e.Detail = frame.ReasonLost, joinDetail(j.abandoned, e.Detail)
	}
	return e
}

// Killed is closed by the first Kill.
func (j *Job) Killed() <-chan struct{} { return j.killed }

// WasKilled says whether Kill was called.
func (j *Job) WasKilled() bool {
	select {
	case <-j.killed:
		return true
	default:
		return false
	}
}

// KillMessage is the first non-empty message of Kill.
func (j *Job) KillMessage() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.killMessage
}

// Running is the frame as a host report lists it.
func (j *Job) Running() frame.Running {
	j.mu.Lock()
	defer j.mu.Unlock()
	return frame.Running{Frame: j.promise.Frame, Attributes: j.attributes(), Figures: j.figures}
}

// attributes adds what RQD chose to what Cuebot sent. The Python RQD always sends CPU_LIST, empty when unpinned.
func (j *Job) attributes() map[string]string {
	a := maps.Clone(j.promise.Frame.Attributes)
	if a == nil {
		a = make(map[string]string)
	}
	a["CPU_LIST"] = joinInts(j.promise.Reservation.CPUs)
	if len(j.promise.Reservation.GPUs) > 0 {
		a["GPU_LIST"] = joinInts(j.promise.Reservation.GPUs)
	}
	if j.container != "" {
		a["container_id"] = shortID(j.container)
	}
	return a
}

func (j *Job) setContainer(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.container = id
}

func (j *Job) containerID() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.container
}

// measure takes new figures; peaks never go down, whoever measured them.
func (j *Job) measure(f frame.Figures) frame.Figures {
	j.mu.Lock()
	defer j.mu.Unlock()
	f.MaxRSS = max(f.MaxRSS, f.RSS, j.figures.MaxRSS)
	f.MaxVSize = max(f.MaxVSize, f.VSize, j.figures.MaxVSize)
	f.MaxPSS = max(f.MaxPSS, f.PSS, j.figures.MaxPSS)
	f.LogUpdated = max(f.LogUpdated, j.figures.LogUpdated)
	f.UsedGPU, f.MaxUsedGPU = j.figures.UsedGPU, j.figures.MaxUsedGPU // frameinit does not see the cards.
	j.figures = f
	return f
}

// UseGPUs notes how much memory is in use of the cards that the frame holds, in kB.
func (j *Job) UseGPUs(used int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.figures.UsedGPU, j.figures.MaxUsedGPU = used, max(used, j.figures.MaxUsedGPU)
}

// logGrew notes when the rqlog last grew, in epoch seconds.
func (j *Job) logGrew(at int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.figures.LogUpdated = max(j.figures.LogUpdated, at)
}

// poke wakes the job's goroutine to look at its container.
func (j *Job) poke() {
	select {
	case j.hint <- struct{}{}:
	default:
	}
}

// shortID is a container id as people know it.
func shortID(id string) string { return id[:min(len(id), 12)] }

func joinInts(list []int) string {
	text := make([]string, len(list))
	for i, n := range list {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, ",")
}

// millis turns the protocol's milliseconds into a duration.
func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
