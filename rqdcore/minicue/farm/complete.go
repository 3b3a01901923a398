package farm

import "fmt"

const (
	memoryStep  = 2 * gibibyte // A memory failure gets so much more.
	memorySpare = 256 * 1024   // KiB that Cuebot leaves above what a layer's frames used.
)

// Verdict is what a completion led to.
type Verdict struct {
	// Ignored says why the report changed nothing. Cuebot answers OK all the same.
	Ignored string
	// State is the frame's state now, when not ignored.
	State State
	// Next is the order that follows on the same resource, when Follows.
	Next    Order
	Follows bool
	// Freed says that the resource was given back and no frame was put back to WAITING by it.
	Freed bool
}

// Complete takes the end of a frame in and, on the part of the host that it leaves, books the next.
func (f *Farm) Complete(c Completion) Verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, fr := f.procs[c.Frame.ResourceID], f.frames[c.Frame.FrameID]
	switch {
	case c.Frame.ResourceID == "" || c.Frame.FrameID == "" || c.Frame.LayerID == "":
		return Verdict{Ignored: "resource_id, frame_id or layer_id is missing"}
	case fr == nil:
		return Verdict{Ignored: fmt.Sprintf("frame %s is unknown", c.Frame.FrameID)}
	case fr.job.layerID != c.Frame.LayerID:
		return Verdict{Ignored: fmt.Sprintf("layer %s is not that of frame %s", c.Frame.LayerID, fr.name)}
	case p == nil:
		// The farm never takes a resource from a RUNNING frame without putting the frame back to WAITING.
		return Verdict{Ignored: fmt.Sprintf("resource %s is gone, frame %s is %s", c.Frame.ResourceID, fr.name, fr.state)}
	case p.frame != fr:
		return Verdict{Ignored: fmt.Sprintf("resource %s runs frame %s now", c.Frame.ResourceID, p.frame.name)}
	}
	if c.Machine != nil {
		p.host.machine.FreeMemory, p.host.machine.NimbyLocked = c.Machine.FreeMemory, c.Machine.NimbyLocked
	}
	f.announce(fr)
	f.settle(fr, c)
	v := f.follow(p, fr, c)
	f.notify()
	return v
}

// settle decides what becomes of the frame.
func (f *Farm) settle(fr *frame, c Completion) {
	j := fr.job
	fr.status, fr.signal, fr.runTime = c.Status, c.Signal, c.RunTime
	fr.ended = f.cfg.Now()
	fr.rss, fr.maxRSS = 0, c.Frame.MaxRSS // The last word, also when it is lower.
	fr.runs++
	j.maxRSS = max(j.maxRSS, c.Frame.MaxRSS)
	next := decide(f.ending(fr, c))
	if next == Waiting && (fr.killed || j.spec.MaxRuns > 0 && fr.runs >= j.spec.MaxRuns) {
		next = Dead
	}
	if memoryFailure(c.Status, c.Signal) {
		j.optimise = false
		j.memory = max(j.memory, fr.proc.memory+memoryStep)
	}
	kind := EventDone
	switch {
	case next == Waiting:
		kind = EventRetry
		j.requeue(fr)
	case next == Succeeded:
		j.end(fr, next)
		j.balance()
	case fr.killed:
		kind = EventKilled
		j.end(fr, next)
	default:
		kind = EventFailed
		j.end(fr, next)
	}
	f.event(fr, kind, "")
}

func (f *Farm) ending(fr *frame, c Completion) ending {
	e := ending{
		Status: c.Status, Signal: c.Signal, RunTime: c.RunTime,
		NimbyLocked: c.Machine != nil && c.Machine.NimbyLocked,
		Retries:     fr.retries, Max: fr.job.spec.Retries,
		Timeout: fr.job.spec.Timeout, LogTimeout: fr.job.spec.LogTimeout,
	}
	if c.Frame.LogUpdated > 0 {
		e.LogSilent = f.cfg.Now().Unix() - c.Frame.LogUpdated
	}
	return e
}

// balance lowers the layer's memory to what its frames used: the next frame's limits follow from it.
func (j *job) balance() {
	if j.optimise && j.open > 0 {
		j.memory = min(j.memory, max(minMemory, j.maxRSS+memorySpare))
	}
}

// follow gives the proc to the job's next frame, or its part of the host back.
func (f *Farm) follow(p *proc, fr *frame, c Completion) Verdict {
	v := Verdict{State: fr.state}
	keep := c.Machine != nil && p.host.closed() == "" &&
		(fr.state == Succeeded || fr.state == Waiting) &&
		c.Status != statusFailedLaunch && !memoryFailure(c.Status, c.Signal)
	if keep && len(fr.job.waiting) > 0 && fr.job.memory <= p.memory {
		f.start(p, fr.job)
		v.Next, v.Follows = f.order(p), true
		return v
	}
	f.unbook(p)
	v.Freed = fr.state != Waiting
	return v
}
