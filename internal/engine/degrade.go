package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// discardTimeout bounds the removal of a container that did not start. The engine gives a removal
// ten seconds to kill, and such a container has nothing to kill.
const discardTimeout = 20 * time.Second

// Degrader starts containers on hosts that grant less than a Spec asks for: a host without all
// capabilities refuses a privileged container, and one whose mounts are private refuses a bind that
// follows them. It learns from each refusal, so a later Spec is adapted before it is tried, and it
// warns once of each thing learnt. It is safe for concurrent use.
type Degrader struct {
	engine Starter
	warn   func(string)

	mu sync.Mutex
	// sources find the capabilities that the host grants. The first is asked at a refusal, and the next when what it
	// said is refused as well.
	sources []capabilitySource
	learnt  bool // The host refuses privileged containers, and granted is what it grants.
	granted []string
	private map[string]bool // Sources of binds that cannot follow the host; "" is every source.
}

// capabilitySource finds capabilities; image is a local one.
type capabilitySource func(ctx context.Context, image string) ([]string, error)

// NewDegrader returns a Degrader that has learnt nothing yet. It calls warn while it is locked, so
// warn must not call back; a nil one is silent.
func NewDegrader(e Starter, warn func(string)) *Degrader {
	if warn == nil {
		warn = func(string) {}
	}
	search := func(ctx context.Context, image string) ([]string, error) { return GrantedCapabilities(ctx, e, image) }
	return &Degrader{engine: e, warn: warn, private: map[string]bool{}, sources: []capabilitySource{search}}
}

// Asking gives the Degrader a quicker way to find the capabilities that the host grants than by trying. It need not be
// right: what it says is tried, and an error of it or a refusal leads back to the search. It returns d.
func (d *Degrader) Asking(granted func(ctx context.Context) ([]string, error)) *Degrader {
	d.mu.Lock()
	defer d.mu.Unlock()
	ask := func(ctx context.Context, _ string) ([]string, error) { return granted(ctx) }
	d.sources = append([]capabilitySource{ask}, d.sources...)
	return d
}

// Start creates and starts a container and returns its id. What the host refuses is given up, as
// far as WithCapabilities and WithPrivatePropagation do. A container that did not start is removed,
// before the next try and before an error is returned.
func (d *Degrader) Start(ctx context.Context, s Spec) (string, error) {
	for {
		tried := d.Adapt(s)
		id, _, err := d.engine.Create(ctx, tried)
		if err == nil {
			if err = d.engine.Start(ctx, id); err == nil {
				return id, nil
			}
			err = errors.Join(err, discard(ctx, d.engine, id))
		}
		if again, learnErr := d.Learn(ctx, tried, err); !again {
			return "", errors.Join(err, learnErr)
		}
	}
}

// Preflight returns the Spec as this host grants it, before anything is stopped for its sake: a
// nameless double of it is started with a program that does not exist, as often as there is
// something to learn from it. It costs nothing for a Spec that asks for nothing special, and one
// failing start where all is granted. The image must be local.
func (d *Degrader) Preflight(ctx context.Context, s Spec) (Spec, error) {
	for {
		tried := d.Adapt(s)
		if !tried.Privileged && len(tried.CapAdd) == 0 && !slices.ContainsFunc(tried.Mounts, followsHost) {
			return tried, nil
		}
		err := tryOut(ctx, d.engine, tried)
		if err == nil {
			return tried, nil
		}
		if again, learnErr := d.Learn(ctx, tried, err); !again {
			return Spec{}, errors.Join(err, learnErr)
		}
	}
}

// Adapt returns the Spec without what this host is known to refuse. It asks the engine nothing.
func (d *Degrader) Adapt(s Spec) Spec {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.adapt(s)
}

func (d *Degrader) adapt(s Spec) Spec {
	if d.learnt {
		s = WithCapabilities(s, d.granted)
	}
	for source := range d.private {
		s = WithPrivatePropagation(s, source)
	}
	return s
}

// Learn is told the Spec that a container was created with and the error it failed with, and
// reports whether Adapt makes another one of it now, which is worth a try. It does not remove the
// failed container. Other errors than the host's two refusals teach nothing.
func (d *Degrader) Learn(ctx context.Context, tried Spec, refusal error) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.granted
	switch {
	case IsPropagationRefused(refusal):
		d.learnPropagation(refusedSource(refusal, tried.Mounts))
	case d.learnt && isCapabilityUnknown(refusal) && slices.ContainsFunc(d.granted, isRecent):
		d.granted = slices.DeleteFunc(slices.Clone(d.granted), isRecent)
	case IsPrivilegeRefused(refusal), d.learnt && isCapabilityUnknown(refusal):
		if err := d.learnCapabilities(ctx, tried.Image); err != nil {
			return false, err
		}
	default:
		return false, nil
	}
	return !slices.Equal(before, d.granted) || !reflect.DeepEqual(d.adapt(tried), tried), nil
}

// isRecent tells the capabilities that an engine may not know although its kernel has them.
func isRecent(capability string) bool { return slices.Contains(recentCapabilities(), capability) }

func (d *Degrader) learnPropagation(source string) {
	if d.private[source] {
		return
	}
	d.private[source] = true
	if source == "" {
		source = "a bind's source"
	}
	d.warn(source + " is not on a shared mount of the host; it is bound rprivate, and what the host mounts below it later stays invisible")
}

func (d *Degrader) learnCapabilities(ctx context.Context, image string) error {
	for len(d.sources) > 0 {
		granted, err := d.sources[0](ctx, image)
		if err != nil && len(d.sources) == 1 {
			return err
		}
		d.sources = d.sources[1:]
		if err != nil {
			continue
		}
		d.learnt, d.granted = true, granted
		lacking := slices.DeleteFunc(allCapabilities(), func(c string) bool { return slices.Contains(granted, c) })
		d.warn("the host refuses privileged containers, because it does not have " + strings.Join(lacking, ", ") + " itself; they get everything else")
		return nil
	}
	return nil
}
