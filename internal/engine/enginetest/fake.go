package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rqdswarm/internal/engine"
)

// Fake is an engine in memory. It refuses what a real one refuses, with the same sentinels, and
// keeps states, names, events, logs and volumes as one does; Contract holds it to that. It is safe
// for concurrent use.
type Fake struct {
	mu           sync.Mutex
	containers   []*container
	made         int
	volumes      map[string]engine.Volume
	images       []*engine.Image
	remote       map[string]Remote
	subs         map[*subscription]struct{}
	onStart      func(s engine.Spec, id string) Script
	info         engine.Info
	down         bool
	lacking      []string
	private      bool
	serviceID    string
	serviceGrace time.Duration
	faults       map[string][]fault
	calls        []Call
}

// Call is one call that a Fake got.
type Call struct {
	Method string
	Target string // The container's id as it was given, the image's reference, or the created container's name.
}

// NewFake returns an engine without containers, images and volumes. Containers run until they get
// a signal, unless OnStart says otherwise.
func NewFake() *Fake {
	return &Fake{
		volumes: map[string]engine.Volume{},
		remote:  map[string]Remote{},
		subs:    map[*subscription]struct{}{},
		onStart: func(engine.Spec, string) Script { return Script{} },
		faults:  map[string][]fault{},
		info: engine.Info{
			Name: "fake", Version: "20.10.24", APIVersion: "1.41", CgroupVersion: 1, DataRoot: "/var/lib/docker",
			NCPU: 4, MemTotal: 16 << 30, Runtimes: []string{"runc"}, DefaultRuntime: "runc",
		},
	}
}

// OnStart sets what the processes of containers started from now on do. The function must not call
// the Fake.
func (f *Fake) OnStart(script func(s engine.Spec, id string) Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onStart = script
}

// SetInfo sets what Info answers.
func (f *Fake) SetInfo(info engine.Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.info = info
}

// RefusePrivileged makes the host lack these capabilities: containers that ask for one, and all
// privileged ones, do not start.
func (f *Fake) RefusePrivileged(lacking ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lacking = lacking
}

// RefusePropagation makes every mount of the host private: binds that follow the host do not start.
func (f *Fake) RefusePropagation() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.private = true
}

// Calls returns the calls so far, in order, those that failed as well.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// enter begins every method: it counts the call, takes an injected failure and returns locked with
// the way out, which every caller defers.
func (f *Fake) enter(ctx context.Context, method, target string) (leave func(*error), err error) {
	f.mu.Lock()
	f.calls = append(f.calls, Call{Method: method, Target: target})
	fail := f.takeFault(method)
	leave = func(result *error) {
		f.mu.Unlock()
		if *result == nil && fail.after {
			*result = fail.err
		}
	}
	switch {
	case ctx.Err() != nil:
		return leave, fmt.Errorf("%s: %w", method, ctx.Err())
	case f.down:
		return leave, fmt.Errorf("%s: fake engine is down: %w", method, engine.ErrUnavailable)
	case fail.err != nil && !fail.after:
		return leave, fail.err
	}
	return leave, nil
}

// newID is 64 digits that look random and are the same in every run.
func (f *Fake) newID(kind string) string {
	f.made++
	return sum(kind, strconv.Itoa(f.made))
}

func sum(kind string, of ...string) string {
	digest := sha256.Sum256([]byte(kind + " " + strings.Join(of, " ")))
	return hex.EncodeToString(digest[:])
}

// find looks a container up by id, name or unique prefix of the id.
func (f *Fake) find(idOrName string) (*container, error) {
	var byPrefix []*container
	for _, c := range f.containers {
		if c.ID == idOrName || c.Name == strings.TrimPrefix(idOrName, "/") {
			return c, nil
		}
		if idOrName != "" && strings.HasPrefix(c.ID, idOrName) {
			byPrefix = append(byPrefix, c)
		}
	}
	if len(byPrefix) == 1 {
		return byPrefix[0], nil
	}
	return nil, fmt.Errorf("no such container %q: %w", idOrName, engine.ErrNotFound)
}
