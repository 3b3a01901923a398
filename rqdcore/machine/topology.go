package machine

import "rqdswarm/rqdcore/frame"

// Core is one physical core: its socket and the logical CPUs that are its threads.
type Core struct {
	Socket int
	CPUs   []int
}

// Topology is the processors of a host.
type Topology struct {
	Sockets    int
	Multiplier int              // Threads of one core: the hyper-threading multiplier; at least 1.
	Total      frame.CorePoints // What the host offers, overrides applied.
	Cores      []Core           // Ascending; those a frame may be pinned to, none when the machine does not tell.
}

// Pinnable says whether frames can be given cores of their own.
func (t Topology) Pinnable() bool { return len(t.Cores) > 0 }

// HyperThreaded is what CUE_HT tells frames.
func (t Topology) HyperThreaded() bool { return t.Multiplier > 1 }
