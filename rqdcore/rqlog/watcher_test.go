package rqlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// files plays the file systems: each path has a state, and paths below a dead mount do not answer.
type files struct {
	mu    sync.Mutex
	found map[string]state
	dead  string
	thaw  chan struct{}
	looks map[string]int
}

func (f *files) stat(r Request) (state, error) {
	f.mu.Lock()
	f.looks[r.Path]++
	found, known := f.found[r.Path]
	dead := f.dead != "" && strings.HasPrefix(r.Path, f.dead)
	f.mu.Unlock()
	if dead {
		<-f.thaw
	}
	if !known {
		return state{}, fs.ErrNotExist
	}
	return found, nil
}

func (f *files) set(path string, s state) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found[path] = s
}

// grow gives each path one byte more.
func (f *files) grow(paths []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, path := range paths {
		s := f.found[path]
		s.size++
		f.found[path] = s
	}
}

// looked is how often the paths were looked at since the last call.
func (f *files) looked(paths ...string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := 0
	for _, path := range paths {
		sum += f.looks[path]
		delete(f.looks, path)
	}
	return sum
}

func (f *files) kill(mount string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = mount
}

// watching runs body in a bubble with a running Watcher that looks at files every 2 s.
func watching(t *testing.T, body func(t *testing.T, w *Watcher, f *files)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &files{found: map[string]state{}, thaw: make(chan struct{}), looks: map[string]int{}}
		w := NewWatcher(2 * time.Second)
		w.stat = f.stat
		stopped := errors.New("stopped")
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(time.Second) // In the bubble's time: looks fall on odd seconds from here, checks on even ones.
		body(t, w, f)
		stop(stopped)
		if err := <-ended; err != stopped {
			t.Errorf("Run: want the cause, have %v", err)
		}
		close(f.thaw)
	})
}

func TestWatcherTellsTheLastGrowth(t *testing.T) {
	t.Parallel()
	const path = "/logs/a.1.rqlog"
	watching(t, func(t *testing.T, w *Watcher, f *files) {
		w.Add(Request{Path: path})
		assertUpdated(t, w, path, 0, "before the first look")
		time.Sleep(2 * time.Second)
		assertUpdated(t, w, path, 0, "no file yet")

		old := time.Now().Add(-time.Hour)
		f.set(path, state{size: 100, modified: old})
		time.Sleep(2 * time.Second)
		assertUpdated(t, w, path, old.Unix(), "found with text in it")

		f.set(path, state{size: 200, modified: old})
		time.Sleep(2 * time.Second)
		grown := time.Now().Add(-time.Second).Unix()
		assertUpdated(t, w, path, grown, "grown, whatever the server's clock says")

		time.Sleep(10 * time.Second)
		assertUpdated(t, w, path, grown, "quiet")

		w.Add(Request{Path: path})
		assertUpdated(t, w, path, grown, "added twice")

		f.set(path, state{size: 50, modified: old})
		time.Sleep(2 * time.Second)
		assertUpdated(t, w, path, time.Now().Add(-time.Second).Unix(), "truncated and written again")

		w.Remove(path)
		assertUpdated(t, w, path, 0, "removed")
		f.looked(path)
		time.Sleep(10 * time.Second)
		if have := f.looked(path); have != 0 {
			t.Errorf("looks after the removal: want none, have %d", have)
		}
	})
}

func TestWatcherDoesNotTrustAFutureDate(t *testing.T) {
	t.Parallel()
	watching(t, func(t *testing.T, w *Watcher, f *files) {
		f.set("/logs/a", state{size: 1, modified: time.Now().Add(time.Hour)})
		w.Add(Request{Path: "/logs/a"})
		time.Sleep(2 * time.Second)
		assertUpdated(t, w, "/logs/a", time.Now().Add(-time.Second).Unix(), "dated in the future")
	})
}

func TestWatcherIsHeldUpByNoOtherMount(t *testing.T) {
	t.Parallel()
	watching(t, func(t *testing.T, w *Watcher, f *files) {
		paths := []string{"/dead/x/a", "/dead/x/b", "/dead/y/a", "/live/x/a", "/live/x/b", "/live/y/a"}
		for _, path := range paths {
			device := uint64(1)
			if strings.HasPrefix(path, "/dead") {
				device = 2
			}
			f.set(path, state{size: 1, device: device})
			w.Add(Request{Path: path})
		}
		time.Sleep(4 * time.Second)

		f.kill("/dead")
		f.looked(paths...)
		for range 10 {
			f.grow(paths)
			time.Sleep(2 * time.Second)
			for _, path := range paths[3:] {
				assertUpdated(t, w, path, time.Now().Add(-time.Second).Unix(), "growing beside a dead mount")
			}
		}
		if have := f.looked(paths[:3]...); have != 1 {
			t.Errorf("goroutines held by the dead mount: want 1, have %d", have)
		}

		// A log that comes while its mount is dead, and one that goes, wait for nothing.
		w.Add(Request{Path: "/dead/z/a"})
		w.Remove("/dead/x/a")
		time.Sleep(10 * time.Second)
		if have := f.looked("/dead/z/a"); have != 1 {
			t.Errorf("looks at a log with an unknown mount: want 1, have %d", have)
		}
	})
}

func TestWatcherGoesOnAfterAStall(t *testing.T) {
	t.Parallel()
	watching(t, func(t *testing.T, w *Watcher, f *files) {
		const path = "/dead/a"
		f.set(path, state{size: 1})
		w.Add(Request{Path: path})
		time.Sleep(2 * time.Second)
		f.kill("/dead")
		f.set(path, state{size: 2})
		time.Sleep(time.Minute)
		f.kill("")
		f.thaw <- struct{}{}
		time.Sleep(2 * time.Second)
		f.set(path, state{size: 3})
		time.Sleep(2 * time.Second)
		assertUpdated(t, w, path, time.Now().Add(-time.Second).Unix(), "after the thaw")
	})
}

func TestLookAtReadsTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.1.rqlog")
	fmt.Fprint(mustCreate(t, path), "12345")
	found, err := lookAt(Request{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if found.size != 5 || time.Since(found.modified) > time.Minute || found.device == 0 {
		t.Errorf("have %+v", found)
	}
	if _, err := lookAt(Request{Path: path + ".none"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want ErrNotExist, have %v", err)
	}
}

func assertUpdated(t *testing.T, w *Watcher, path string, want int64, when string) {
	t.Helper()
	if have := w.Updated(path); have != want {
		t.Errorf("%s: want %d, have %d", when, want, have)
	}
}
