package farm

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	lostForGood = 20 * time.Minute  // A lost proc whose kills fail is given up after so long.
	bootSlack   = 300 * time.Second // A host booted so long after the dispatch cannot run the frame.
)

// Why says on whose account a frame is killed.
type Why string

// The reasons of a kill.
const (
	ByUser       Why = "user"
	AfterRefusal Why = "refusal" // The launch failed, or its outcome is unknown.
	Fencing      Why = "fencing" // The host runs what is not booked on it.
	Timeout      Why = "timeout"
	Orphaned     Why = "orphan"    // Booked, but in no report for 300 s.
	HostLost     Why = "host down" // No report at all for 300 s.
)

// Kill is a KillRunningFrame that the caller is to send, and then to report to Killed.
type Kill struct {
	Host    string
	FrameID string
	Frame   string // Its name; empty when the farm does not know it.
	Why     Why
	Message string
	run     int64 // Start time of the run that is meant, 0 when any is.
}

// KillOutcome is what the host answered.
type KillOutcome int

// The outcomes: OK, NOT_FOUND (proof that the frame does not run), anything else.
const (
	WillDie KillOutcome = iota
	NotRunning
	Unclear
)

// KillFrames ends frames for good: those that wait at once, those that run when their hosts say so.
// Unlike Cuebot's own kill it does not try a frame again that has retries left.
func (f *Farm) KillFrames(ids []string) ([]Kill, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	frames := make([]*frame, 0, len(ids))
	for _, id := range ids {
		fr, err := f.find(id)
		if err != nil {
			return nil, err
		}
		frames = append(frames, fr)
	}
	return f.killAll(frames), nil
}

// KillJob ends all frames of a job.
func (f *Farm) KillJob(id string) ([]Kill, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, err := f.job(id)
	if err != nil {
		return nil, err
	}
	return f.killAll(j.frames), nil
}

func (f *Farm) killAll(frames []*frame) []Kill {
	var out []Kill
	for _, fr := range frames {
		switch fr.state {
		case Waiting:
			fr.killed, fr.status = true, statusEaten
			fr.job.end(fr, Eaten)
			f.event(fr, EventKilled, "before it ran")
		case InFlight:
			fr.killed = true
			out = append(out, Kill{
				Host: fr.host, FrameID: fr.id, Frame: fr.name, Why: ByUser, run: fr.started.UnixMilli(),
				Message: killMessage(fr, fr.host, "killed with minicue"),
			})
		}
	}
	for _, j := range f.jobs {
		j.waiting = slices.DeleteFunc(j.waiting, func(w *frame) bool { return w.state != Waiting })
	}
	f.notify()
	return out
}

// find looks a frame up by id, by the beginning of an id, or by name; a name may be preceded by its job's.
// Among several of one name those that are not over are meant.
func (f *Farm) find(ref string) (*frame, error) {
	if fr := f.frames[ref]; fr != nil {
		return fr, nil
	}
	var open, over []*frame
	for _, j := range f.jobs {
		for _, fr := range j.frames {
			if fr.name != ref && j.name+"/"+fr.name != ref && (len(ref) < 4 || !strings.HasPrefix(fr.id, ref)) {
				continue
			}
			if fr.state.Final() {
				over = append(over, fr)
			} else {
				open = append(open, fr)
			}
		}
	}
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(open) > 1:
		return nil, fmt.Errorf("frame %q: %d frames are called so, give one's id or JOB/FRAME: %w", ref, len(open), ErrAmbiguous)
	case len(over) > 0:
		return over[len(over)-1], nil
	}
	return nil, fmt.Errorf("frame %q: no such frame: %w", ref, ErrUnknown)
}

// Killed takes in what became of a kill.
func (f *Farm) Killed(k Kill, outcome KillOutcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fr := f.frames[k.FrameID]
	if fr == nil || fr.proc == nil || k.run == 0 || fr.started.UnixMilli() != k.run {
		return
	}
	p := fr.proc
	switch k.Why {
	case HostLost:
		f.lose(p, statusHostDown, "host "+p.host.name+" did not report for 300 s")
	case Orphaned:
		f.killedOrphan(p, outcome)
	case ByUser:
		if outcome == NotRunning {
			// The completion may be on its way. If it is not, the next sweep finds an orphan.
			p.pinged = f.cfg.Now().Add(-silence - time.Second)
		}
	}
	f.notify()
}

// killedOrphan frees a frame that is proven not to run; without proof it keeps it for a while.
func (f *Farm) killedOrphan(p *proc, outcome KillOutcome) {
	fr := p.frame
	switch {
	case outcome == NotRunning, p.host.state == Up && bootedSince(p.host, fr):
		f.lose(p, statusOrphan, "host "+p.host.name+" does not run it any more")
	case p.host.state != Up:
		f.lose(p, statusHostDown, "host "+p.host.name+" is "+string(p.host.state))
	case f.cfg.Now().Sub(p.pinged) > lostForGood:
		f.unbook(p)
		fr.status, fr.signal = statusOrphan, 0
		fr.ended = f.cfg.Now()
		fr.job.end(fr, Dead)
		f.event(fr, EventFailed, "host "+p.host.name+" has not listed it for 20 minutes and cannot kill it")
	}
}

func bootedSince(h *host, fr *frame) bool {
	return time.Unix(h.machine.BootTime, 0).After(fr.started.Add(bootSlack))
}

// lose puts a frame whose host lost it back to WAITING. No retry is used up.
func (f *Farm) lose(p *proc, status int32, text string) {
	fr := p.frame
	f.unbook(p)
	fr.status, fr.signal = status, 0
	fr.ended = f.cfg.Now()
	f.backToWaiting(fr, EventLost, text)
}

// Sweep finds hosts and frames that have not been heard of for 300 s. Cuebot does it every 30 s.
func (f *Farm) Sweep() []Kill {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.cfg.Now()
	timedOut := false
	for _, h := range f.hosts {
		if h.state == Up && now.Sub(h.pinged) > silence {
			h.state, timedOut = Down, true
		}
	}
	var out []Kill
	for _, p := range f.sortedProcs() {
		switch {
		case timedOut && p.host.state == Down:
			out = append(out, p.kill(HostLost, "kill-before-release: the host is down"))
		case now.Sub(p.pinged) > silence:
			out = append(out, p.kill(Orphaned, "kill-before-release: not in any report"))
		}
	}
	if timedOut {
		f.notify()
	}
	return out
}

func (p *proc) kill(why Why, reason string) Kill {
	fr := p.frame
	return Kill{Host: p.host.name, FrameID: fr.id, Frame: fr.name, Why: why, run: fr.started.UnixMilli(), Message: killMessage(fr, p.host.name, reason)}
}

// killMessage is as long and has as many lines as Cuebot's: an RQD that writes it into one
// line of an rqlog has to cope.
func killMessage(fr *frame, host, reason string) string {
	head := fmt.Sprintf("User: minicue, Pid: 0, Hostname: %s, Reason: %s", host, reason)
	if fr == nil {
		return head
	}
	return fmt.Sprintf("%s\nframe {\n  id: %q\n  name: %q\n  job: %q\n  layer: %q\n  state: %s\n  retries: %d\n  start_time: %d\n}\n",
		head, fr.id, fr.name, fr.job.name, fr.job.spec.Layer, fr.state, fr.retries, fr.started.UnixMilli())
}
