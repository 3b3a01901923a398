package rqlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestGuardPassesResultsOn(t *testing.T) {
	t.Parallel()
	g := NewGuard(time.Minute)
	want := errors.New("its own error")
	if have := g.Do(t.Context(), "/logs/a", func() error { return want }); have != want {
		t.Errorf("want %v, have %v", want, have)
	}
	r := Request{Path: filepath.Join(t.TempDir(), "a.1.rqlog")}
	f, err := g.Open(t.Context(), r, Create)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestGuardGivesUpOnAStalledFileSystem(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.1.rqlog")
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(10 * time.Second)
		thaw := make(chan struct{})
		var late *os.File
		started := time.Now()
		f, err := g.Open(t.Context(), Request{Path: path}, func(r Request) (*os.File, error) {
			<-thaw
			opened, err := Create(r)
			late = opened
			return opened, err
		})
		if f != nil || !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("want ErrStalled, have %v, %v", f, err)
		}
		if want, have := 10*time.Second, time.Since(started); have != want {
			t.Errorf("gave up after: want %v, have %v", want, have)
		}
		close(thaw)
		synctest.Wait()
		if err := late.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a file that came too late: want it closed already, have %v", err)
		}
		if len(g.hanging) != 0 {
			t.Errorf("after the thaw: want no hanging calls, have %v", g.hanging)
		}
	})
}

// A caller that has something better to do does not wait; the call goes on.
func TestGuardLetsItsCallerGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		thaw, written := make(chan struct{}), false
		started := time.Now()
		err := g.Do(ctx, "/logs/a", func() error { <-thaw; written = true; return nil })
		if !errors.Is(err, ErrStalled) || time.Since(started) != time.Second {
			t.Errorf("want ErrStalled after 1 s, have %v after %v", err, time.Since(started))
		}
		close(thaw)
		synctest.Wait()
		if !written {
			t.Error("the call did not go on")
		}
	})
}

func TestGuardBoundsTheThreadsOfADeadMount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(time.Second)
		thaw := make(chan struct{})
		hang := func() error { <-thaw; return nil }
		var full error
		for range maxHanging {
			if full = g.Do(t.Context(), "/logs/a", hang); !errors.Is(full, ErrStalled) {
				t.Fatalf("want ErrStalled, have %v", full)
			}
		}
		started := time.Now()
		ran := false
		err := g.Do(t.Context(), "/logs/b", func() error { ran = true; return nil })
		if !errors.Is(err, ErrStalled) || ran || time.Since(started) != 0 {
			t.Errorf("call on a full mount: want ErrStalled at once and no run, have %v, ran %v", err, ran)
		}
		if err := g.Do(t.Context(), "/proc/a", func() error { return nil }); err != nil {
			t.Errorf("call on another mount: have %v", err)
		}
		close(thaw)
		synctest.Wait()
		if err := g.Do(t.Context(), "/logs/b", func() error { return nil }); err != nil {
			t.Errorf("after the thaw: have %v", err)
		}
	})
}

func TestMountPoint(t *testing.T) {
	t.Parallel()
	const mountinfo = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
31 22 0:40 / /net/shots rw - nfs4 nas:/shots rw
32 31 0:41 / /net/shots/show\040a rw - nfs4 nas:/a rw
broken
`
	for path, want := range map[string]string{
		"/logs/a.rqlog":                "/",
		"/net/shots/a.rqlog":           "/net/shots",
		"/net/shots":                   "/net/shots",
		"/net/shots2/a.rqlog":          "/",
		"/net/../net/shots/x/a.rqlog":  "/net/shots",
		"/net/shots/show a/logs/a.log": "/net/shots/show a",
	} {
		if have := mountPoint(mountinfo, path); have != want {
			t.Errorf("%s: want %s, have %s", path, want, have)
		}
	}
	if want, have := "/proc", mountOf("/proc/self/x"); have != want {
		t.Errorf("this machine's /proc: want %s, have %s", want, have)
	}
}
