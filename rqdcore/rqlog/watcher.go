package rqlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Watcher knows when each running frame's rqlog last grew. It looks at every log in turn, one
// goroutine per mount, so that a mount that hangs delays nobody else; on NFS the look also
// makes this host's writes visible to the others. No method but Run blocks; all may be called concurrently.
type Watcher struct {
	interval time.Duration
	stat     func(Request) (state, error)
	mu       sync.Mutex
	logs     map[string]*watched // By path.
	busy     map[string]bool     // Mounts whose goroutine is at work, or hangs.
}

// watched is one log. Only Watcher's methods touch it, under the lock.
type watched struct {
	request Request
	mount   string // What it may hang with: the directory, until the first look tells the device.
	size    int64  // -1 before the first look.
	updated int64
}

// state is what a look at a log finds.
type state struct {
	size     int64
	modified time.Time
	device   uint64
}

// NewWatcher looks at every log once per interval. Run does the work.
func NewWatcher(interval time.Duration) *Watcher {
	return &Watcher{interval: interval, stat: lookAt, logs: map[string]*watched{}, busy: map[string]bool{}}
}

// Run watches until ctx ends and returns its cause. It does not wait for a file system that hangs.
func (w *Watcher) Run(ctx context.Context) error {
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			w.round(ctx)
		}
	}
}

// Add starts to watch a log; the request is the one it was opened with. A log that is watched already goes on.
func (w *Watcher) Add(r Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if log, known := w.logs[r.Path]; known {
		log.request = r
		return
	}
	w.logs[r.Path] = &watched{request: r, mount: filepath.Dir(r.Path), size: -1}
}

// Remove forgets the log.
func (w *Watcher) Remove(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.logs, path)
}

// Updated is when the log was last seen to grow, in epoch seconds; 0 before that, and for a log that is not watched.
func (w *Watcher) Updated(path string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if log, known := w.logs[path]; known {
		return log.updated
	}
	return 0
}

// round starts one goroutine for each mount that has logs and whose last one is back.
func (w *Watcher) round(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	mounts := map[string][]Request{}
	for _, log := range w.logs {
		if !w.busy[log.mount] {
			mounts[log.mount] = append(mounts[log.mount], log.request)
		}
	}
	for mount, requests := range mounts {
		w.busy[mount] = true
		go w.walk(ctx, mount, requests)
	}
}

func (w *Watcher) walk(ctx context.Context, mount string, requests []Request) {
	for _, r := range requests {
		if ctx.Err() != nil {
			break
		}
		if found, err := w.stat(r); err == nil { // A log that cannot be seen did not grow, as far as anybody knows.
			w.note(r.Path, found)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, mount)
}

// note compares with the last look. Growth is dated by our clock: a file server's may differ,
// and Cuebot kills frames by this number. Only what was there before the first look is dated by the file.
func (w *Watcher) note(path string, found state) {
	now := time.Now().Unix()
	w.mu.Lock()
	defer w.mu.Unlock()
	log, known := w.logs[path]
	if !known {
		return
	}
	switch {
	case log.size < 0 && found.size > 0:
		log.updated = min(found.modified.Unix(), now)
	case log.size >= 0 && found.size != log.size:
		log.updated = now
	}
	log.size = found.size
	log.mount = "device " + strconv.FormatUint(found.device, 10)
}

// lookAt stats the log, as the artist where root may not.
func lookAt(r Request) (state, error) {
	found, err := lookAtPath(r.Path)
	if r.mayBeArtist(err) {
		return asArtist(r, lookAtPath)
	}
	return found, err
}

func lookAtPath(path string) (state, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return state{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return state{}, errors.ErrUnsupported
	}
	return state{size: info.Size(), modified: info.ModTime(), device: st.Dev}, nil
}
