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

	mu      sync.Mutex
	learnt  bool // The host refuses privileged containers, and granted is what it grants.
	granted []string
	private map[string]bool // Sources of binds that cannot follow the host; "" is every source.
}

// NewDegrader returns a Degrader that has learnt nothing yet. It calls warn while it is locked, so
// warn must not call back; a nil one is silent.
func NewDegrader(e Starter, warn func(string)) *Degrader {
	if warn == nil {
		warn = func(string) {}
	}
	return &Degrader{engine: e, warn: warn, private: map[string]bool{}}
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
	switch {
	case IsPropagationRefused(refusal):
		d.learnPropagation(refusedSource(refusal, tried.Mounts))
	case IsPrivilegeRefused(refusal):
		if err := d.learnCapabilities(ctx, tried.Image); err != nil {
			return false, err
		}
	default:
		return false, nil
	}
	return !reflect.DeepEqual(d.adapt(tried), tried), nil
}

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
	if d.learnt {
		return nil
	}
	granted, err := GrantedCapabilities(ctx, d.engine, image)
	if err != nil {
		return err
	}
	d.learnt, d.granted = true, granted
	lacking := slices.DeleteFunc(allCapabilities(), func(c string) bool { return slices.Contains(granted, c) })
	d.warn("the host refuses privileged containers, because it does not have " + strings.Join(lacking, ", ") + " itself; they get everything else")
	return nil
}
