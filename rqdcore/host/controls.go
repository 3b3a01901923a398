package host

import "rqdswarm/rqdcore/frame"

// Lock locks up to n more core points; zero or less changes nothing. Running frames are never touched.
func (h *Host) Lock(n frame.CorePoints) {
	h.change(func() bool { return h.ledger.lockCores(n) })
}

// LockAll locks every core.
func (h *Host) LockAll() {
	h.change(func() bool { return h.ledger.lockCores(h.cfg.Cores) })
}

// Unlock unlocks up to n core points, opens the host and takes back a shutdown that waits for idle.
func (h *Host) Unlock(n frame.CorePoints) {
	h.change(func() bool {
		reopened := h.reopen()
		return h.ledger.unlockCores(n) || reopened
	})
}

// UnlockAll unlocks every core, opens the host and takes back a shutdown that waits for idle.
func (h *Host) UnlockAll() {
	h.Unlock(h.cfg.Cores)
}

// Shutdown ends RQD now. Frames go on and the next RQD adopts them.
func (h *Host) Shutdown() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mode = down
	h.quitOnce.Do(func() { close(h.quit) })
}

// ShutdownWhenIdle locks the host and ends RQD when its last frame has ended.
func (h *Host) ShutdownWhenIdle() {
	h.change(func() bool {
		h.ledger.lockCores(h.cfg.Cores)
		h.mode = draining
		h.quitIfIdle()
		return true
	})
}

func (h *Host) change(fn func() bool) {
	h.mu.Lock()
	changed := fn()
	h.mu.Unlock()
	if changed {
		h.cfg.Notify.Poke()
	}
}

// reopen says whether the host had been closed.
func (h *Host) reopen() bool {
	closed := h.mode == draining || h.mode == down
	if closed {
		h.mode = open
	}
	return closed
}

// quitIfIdle closes quit when a drain is complete. The caller holds the lock.
func (h *Host) quitIfIdle() {
	if h.mode == draining && len(h.frames) == 0 && len(h.settling) == 0 {
		h.quitOnce.Do(func() { close(h.quit) })
	}
}
