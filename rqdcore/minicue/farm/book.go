package farm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Book finds the next frame for a host and books it: from now on it is RUNNING there, and
// the caller owes the farm Launched or Refused. It returns false when nothing fits.
func (f *Farm) Book(hostName string) (Order, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.host(hostName)
	if h == nil || h.closed() != "" || h.refused != "" {
		return Order{}, false
	}
	for _, j := range f.jobs {
		if len(j.waiting) == 0 || f.misfit(h, j) != "" {
			continue
		}
		p := &proc{
			id: f.cfg.NewID(), host: h, cores: j.spec.Cores, memory: j.memory, gpus: j.spec.GPUs,
			pinged: f.cfg.Now(),
		}
		f.procs[p.id], h.procs[p.id] = p, p
		h.unloaded -= p.cores
		f.start(p, j)
		f.notify()
		return f.order(p), true
	}
	return Order{}, false
}

// start gives the proc the first waiting frame of the job.
func (f *Farm) start(p *proc, j *job) {
	fr := j.waiting[0]
	j.waiting = j.waiting[1:]
	if countsAsRetry(fr.status) {
		fr.retries++
	}
	p.frame, fr.proc = fr, p
	fr.state, fr.host, fr.announced = InFlight, p.host.name, false
	fr.started, fr.ended = f.nextStart(fr), time.Time{}
	fr.rss, fr.maxRSS, fr.runTime, fr.updated = 0, 0, 0, 0
}

// nextStart is now, but never the same millisecond as the frame's last start: the start
// time is what tells two runs apart.
func (f *Farm) nextStart(fr *frame) time.Time {
	now := f.cfg.Now().Truncate(time.Millisecond)
	if !now.After(fr.started) {
		now = fr.started.Add(time.Millisecond)
	}
	return now
}

// closed says why the host takes no frames at all; empty when it does.
func (h *host) closed() string {
	switch {
	case h.state == Repair:
		return "in REPAIR: its temporary space (mcp) is missing or nearly full"
	case h.state != Up:
		return string(h.state)
	case h.locked:
		return "locked"
	case h.machine.NimbyLocked:
		return "locked by nimby"
	case h.machine.FreeMemory < leastFree:
		return fmt.Sprintf("only %d MiB of memory free", h.machine.FreeMemory/1024)
	}
	return ""
}

// misfit says why a frame of the job cannot go to the host now; empty when it can.
func (f *Farm) misfit(h *host, j *job) string {
	if offers := h.machine.offers(); j.spec.OS != "" && !slices.Contains(offers, j.spec.OS) {
		return "has os " + strings.Join(offers, ",") + ", not " + j.spec.OS
	}
	cores, memory, gpus := h.idle()
	if f.cfg.ObeyLoad {
		cores = min(cores, h.unloaded)
	}
	switch {
	case cores < j.spec.Cores:
		return fmt.Sprintf("%s of %s cores idle, %s needed", max(cores, 0), h.total, j.spec.Cores)
	case memory < j.memory:
		return fmt.Sprintf("%d of %d MiB idle, %d needed", max(memory, 0)/1024, h.memory/1024, j.memory/1024)
	case gpus < j.spec.GPUs:
		return fmt.Sprintf("%d of %d GPUs idle, %d needed", max(gpus, 0), h.gpus, j.spec.GPUs)
	}
	return ""
}

// whyWaiting says why no host takes the job's waiting frames now.
func (f *Farm) whyWaiting(j *job) string {
	if len(j.waiting) == 0 {
		return ""
	}
	if len(f.hosts) == 0 {
		return "no host has reported yet"
	}
	const shown = 3
	var out []string
	for _, h := range f.sortedHosts() {
		if len(out) == shown {
			out = append(out, fmt.Sprintf("and %d more hosts", len(f.hosts)-shown))
			break
		}
		why := cmp.Or(h.closed(), f.misfit(h, j))
		if why == "" && h.refused != "" {
			why = "refused a frame: " + h.refused
		}
		if why == "" {
			return "" // A host takes it at its next booking.
		}
		out = append(out, h.name+" "+why)
	}
	return strings.Join(out, "; ")
}

// Launched notes that the host took the order.
func (f *Farm) Launched(o Order) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.current(o); p != nil {
		f.announce(p.frame)
		f.notify()
	}
}

// Refused undoes a booking that the host did not take, for whatever reason. Cuebot then
// kills the frame there, because it may run all the same.
func (f *Farm) Refused(o Order, reason string) Kill {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := Kill{Host: o.Host, FrameID: o.FrameID, Frame: o.FrameName, Why: AfterRefusal, Message: killMessage(f.frames[o.FrameID], o.Host, "the order was refused")}
	p := f.current(o)
	if p == nil {
		return k
	}
	h, fr := p.host, p.frame
	f.unbook(p)
	fr.status, fr.signal = statusCleared, 0
	h.refused = reason
	f.backToWaiting(fr, EventRefused, reason)
	fr.host = "" // It never ran there.
	f.notify()
	return k
}

// current is the proc that still runs this very order.
func (f *Farm) current(o Order) *proc {
	p := f.procs[o.ResourceID]
	if p == nil || p.frame == nil || p.frame.id != o.FrameID || p.frame.started.UnixMilli() != o.StartTime {
		return nil
	}
	return p
}

// announce puts out the event of a run's start, once. A completion may overtake the reply to its order.
func (f *Farm) announce(fr *frame) {
	if !fr.announced {
		fr.announced = true
		f.event(fr, EventStarted, "")
	}
}
