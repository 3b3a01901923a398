package link

import "sync"

const (
	// perCaller is how many connections one container may have: the live one, its successor, and slack.
	perCaller = 4
	// perUnknown is the same for all callers together that rqdcore cannot tell apart, which
	// happens without the host's pid namespace: more than a host has frames.
	perUnknown = 1024
)

// gate keeps a frame from using up rqdcore's descriptors.
type gate struct {
	mu   sync.Mutex
	open map[string]int
}

func newGate() *gate { return &gate{open: make(map[string]int)} }

func (g *gate) enter(key string) bool {
	limit := perCaller
	if key == "" {
		limit = perUnknown
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[key] >= limit {
		return false
	}
	g.open[key]++
	return true
}

func (g *gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[key]--; g.open[key] == 0 {
		delete(g.open, key)
	}
}
