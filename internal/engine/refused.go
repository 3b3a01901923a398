package engine

import (
	"errors"
	"slices"
	"strings"
)

// IsPrivilegeRefused reports that a container did not start because it asks for capabilities that
// the engine's own host does not have, as where the engine itself runs in a container. It comes
// from Start (engine 20.10, runc 1.1), and only as prose: the API has no code for it.
func IsPrivilegeRefused(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	if !strings.Contains(text, "operation not permitted") && !strings.Contains(text, "Operation not permitted") {
		return false
	}
	words := []string{"unable to apply caps", "unable to apply bounding set", "unable to set bounding", "capabilities", "capset"}
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// isCapabilityUnknown reports that a container was not created because the engine does not know a capability by name,
// which its kernel may have all the same.
func isCapabilityUnknown(err error) bool {
	return errors.Is(err, ErrInvalid) && strings.Contains(strings.ToLower(err.Error()), "capability")
}

// IsPropagationRefused reports that a container did not start because a bind wants to follow mounts
// of the host and its source is not on a shared mount there. It comes from Start (engine 20.10), and
// only as prose.
func IsPropagationRefused(err error) bool {
	return err != nil && strings.Contains(err.Error(), "but it is not a shared")
}

// refusedSource picks the bind that the refusal names, or "" where it names none of them.
func refusedSource(err error, mounts []Mount) string {
	for _, m := range mounts {
		if followsHost(m) && strings.Contains(err.Error(), "path "+m.Source+" is mounted on") {
			return m.Source
		}
	}
	return ""
}

// followsHost reports that the bind needs a shared mount on the host.
func followsHost(m Mount) bool {
	switch m.Propagation {
	case "shared", "rshared", "slave", "rslave":
		return m.Type == MountBind
	}
	return false
}

// WithPrivatePropagation returns the Spec with its binds of the source as rprivate: mounts that the
// host makes later below them stay invisible. An empty source stands for every bind.
func WithPrivatePropagation(s Spec, source string) Spec {
	s.Mounts = slices.Clone(s.Mounts)
	for i, m := range s.Mounts {
		if followsHost(m) && (source == "" || m.Source == source) {
			s.Mounts[i].Propagation = "rprivate"
		}
	}
	return s
}
