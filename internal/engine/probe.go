package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ProbeEntrypoint is a program that no image has. The engine applies capabilities before it looks
// for the program, so the start of a container with it fails either way, and how it fails tells
// whether the capabilities were granted. Nothing of the image ever runs.
const ProbeEntrypoint = "/.rqdswarm-probe/does-not-exist"

// Starter is what degrading needs of an engine; Client is one.
type Starter interface {
	Create(ctx context.Context, s Spec) (id string, warnings []string, err error)
	Start(ctx context.Context, id string) error
	Remove(ctx context.Context, id string, o RemoveOptions) error
}

// GrantedCapabilities finds the widest set of capabilities that the engine's host grants, by trying:
// a host that lacks one is found out in about ten failing starts, two or three seconds in all. The
// image must be local; any will do.
func GrantedCapabilities(ctx context.Context, e Starter, image string) ([]string, error) {
	var granted []string
	for _, group := range [][]string{defaultCapabilities(), furtherCapabilities(), recentCapabilities()} {
		found, err := grantedOf(ctx, e, capabilityProbe{image: image, group: group})
		if err != nil {
			return nil, err
		}
		granted = append(granted, found...)
	}
	slices.Sort(granted)
	return granted, nil
}

// capabilityProbe asks whether a whole group is granted.
type capabilityProbe struct {
	image string
	group []string
	// refused says that the answer is known to be no.
	refused bool
}

// grantedOf halves a refused group until what the host lacks is alone.
func grantedOf(ctx context.Context, e Starter, p capabilityProbe) ([]string, error) {
	if !p.refused {
		ok, err := grants(ctx, e, p)
		if err != nil || ok {
			return p.group, err
		}
	}
	if len(p.group) == 1 {
		return nil, nil
	}
	half := len(p.group) / 2
	left, err := grantedOf(ctx, e, capabilityProbe{image: p.image, group: p.group[:half]})
	if err != nil {
		return nil, err
	}
	// Where all of the left half is granted, the refusal was the right half's.
	right, err := grantedOf(ctx, e, capabilityProbe{image: p.image, group: p.group[half:], refused: len(left) == half})
	if err != nil {
		return nil, err
	}
	return slices.Concat(left, right), nil
}

func grants(ctx context.Context, e Starter, p capabilityProbe) (bool, error) {
	s := Spec{Image: p.image, Entrypoint: []string{ProbeEntrypoint}, DisableHealthcheck: true}
	s.CapDrop, s.CapAdd = []string{"ALL"}, p.group
	s.NetworkMode = "none"
	id, _, err := e.Create(ctx, s)
	if errors.Is(err, ErrInvalid) {
		return false, nil // A kernel that does not know the capability.
	}
	if err != nil {
		return false, fmt.Errorf("probe capabilities: %w", err)
	}
	startErr := e.Start(ctx, id)
	if err := discard(ctx, e, id); err != nil {
		return false, fmt.Errorf("probe capabilities: %w", err)
	}
	switch {
	case IsPrivilegeRefused(startErr):
		return false, nil
	case startErr == nil, errors.Is(startErr, ErrInvalid): // The program was looked for.
		return true, nil
	}
	return false, fmt.Errorf("probe capabilities: %w", startErr)
}

// tryOut starts a nameless, unlabelled double of s that cannot run anything. It returns nil when
// only the missing program kept it from starting.
func tryOut(ctx context.Context, e Starter, s Spec) error {
	s.Name, s.Labels, s.Ports, s.GPUs = "", nil, nil, nil
	s.PublishAllPorts, s.Endpoint = false, Endpoint{} // The one to be replaced still has its address.
	s.Entrypoint, s.Cmd = []string{ProbeEntrypoint}, nil
	id, _, err := e.Create(ctx, s)
	if err != nil {
		return err
	}
	err = e.Start(ctx, id)
	if removeErr := discard(ctx, e, id); removeErr != nil {
		return errors.Join(err, removeErr)
	}
	if errors.Is(err, ErrInvalid) && !IsPrivilegeRefused(err) && !IsPropagationRefused(err) {
		return nil
	}
	return err
}

// discard removes a container that nobody has heard of yet, also when ctx has ended.
func discard(ctx context.Context, e Starter, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	if err := e.Remove(ctx, id, RemoveOptions{Force: true}); err != nil && !IsGone(err) {
		return err
	}
	return nil
}
