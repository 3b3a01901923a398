package machine

import (
	"bytes"
	"strconv"
)

// processor is one logical CPU as /proc/cpuinfo tells it.
type processor struct {
	id       int
	socket   int
	core     int
	located  bool // It says its socket and its core; on ARM and in some virtual machines it does not.
	siblings int  // Logical CPUs of its socket; 0 when not told.
	cores    int  // Cores of its socket; 0 when not told.
}

// parseCPUInfo reads /proc/cpuinfo: blocks of NAME : VALUE lines, each begun by "processor".
// What it does not know it leaves out, as every architecture has lines of its own.
func parseCPUInfo(text []byte) []processor {
	var list []processor
	var hasSocket, hasCore bool
	for line := range bytes.Lines(text) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
		if !ok || err != nil {
			continue
		}
		key := string(bytes.TrimSpace(name))
		if key == "processor" {
			list = append(list, processor{id: int(n)})
			hasSocket, hasCore = false, false
			continue
		}
		if len(list) == 0 {
			continue
		}
		p := &list[len(list)-1]
		switch key {
		case "physical id":
			p.socket, hasSocket = int(n), true
		case "core id":
			p.core, hasCore = int(n), true
		case "siblings":
			p.siblings = int(n)
		case "cpu cores":
			p.cores = int(n)
		}
		p.located = hasSocket && hasCore
	}
	return list
}
