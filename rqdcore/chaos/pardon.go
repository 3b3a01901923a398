package main

import (
	"sync"
	"time"
)

// pardon is the time during which RQD may fail by itself: it lacks something that it needs.
type pardon struct {
	lock  sync.Mutex
	until time.Time
}

// excuse lets RQD fail by itself for the time being.
func (p *pardon) excuse(d time.Duration) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if until := time.Now().Add(d); until.After(p.until) {
		p.until = until
	}
}

func (p *pardon) isExcused() bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	return time.Now().Before(p.until)
}
