package report

import "rqdswarm/rqdcore/frame"

// Owes says whether the completion of exactly this run of the frame is still owed: runs of one
// frame on one resource differ in the time of their dispatch.
func (o *Outbox) Owes(f frame.Frame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.owed {
		have := e.completion.Running.Frame
		if !e.isOver && have.ID == f.ID && have.ResourceID == f.ResourceID && have.StartTime == f.StartTime {
			return true
		}
	}
	return false
}
