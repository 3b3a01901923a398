package runargs

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/docker/cli/opts"

	"rqdswarm/internal/engine"
)

// addMount adds a mount in the place of an earlier one at the same target.
func addMount(m engine.Mount) change {
	m.Target = path.Clean(m.Target)
	return func(s *engine.Spec) {
		s.Mounts = slices.DeleteFunc(slices.Clone(s.Mounts), func(other engine.Mount) bool { return other.Target == m.Target })
		s.Mounts = append(s.Mounts, m)
	}
}

// mount takes docker run's long form. What an engine.Mount cannot say is refused, not forgotten.
func mount(value string, _ Context) (change, error) {
	var o opts.MountOpt
	if err := o.Set(value); err != nil {
		return nil, err
	}
	found := o.Value()[0]
	m := engine.Mount{Type: engine.MountType(found.Type), Source: found.Source, Target: found.Target, ReadOnly: found.ReadOnly}
	if m.Type != engine.MountBind && m.Type != engine.MountVolume && m.Type != engine.MountTmpfs {
		return nil, fmt.Errorf("type %s: want bind, volume or tmpfs", m.Type)
	}
	if m.Type == engine.MountBind && !path.IsAbs(m.Source) {
		return nil, fmt.Errorf("source %q: want an absolute path on the host", m.Source)
	}
	if !path.IsAbs(m.Target) {
		return nil, fmt.Errorf("target %q: want an absolute path", m.Target)
	}
	if v := found.VolumeOptions; v != nil {
		return nil, errors.New("volume-* options are not taken here: make the volume beforehand with `docker volume create`")
	}
	if b := found.BindOptions; b != nil {
		m.Propagation = string(b.Propagation)
		if b.NonRecursive || b.ReadOnlyNonRecursive || b.ReadOnlyForceRecursive {
			return nil, errors.New("bind-recursive is not taken here")
		}
	}
	if t := found.TmpfsOptions; t != nil {
		m.TmpfsSize, m.TmpfsMode = t.SizeBytes, uint32(t.Mode)
	}
	return addMount(m), nil
}

// volume takes docker run's short form: [SOURCE:]TARGET[:OPTIONS].
func volume(value string, _ Context) (change, error) {
	parts := strings.Split(value, ":")
	if len(parts) > 3 {
		return nil, errors.New("want SOURCE:TARGET or SOURCE:TARGET:OPTIONS")
	}
	m := engine.Mount{Type: engine.MountVolume, Target: parts[len(parts)-1]}
	if len(parts) > 1 {
		m.Source, m.Target = parts[0], parts[1]
	}
	switch {
	case path.IsAbs(m.Source):
		m.Type, m.CreateSource = engine.MountBind, true
	case strings.Contains(m.Source, "/"):
		return nil, fmt.Errorf("source %q: want an absolute path or a volume's name", m.Source)
	}
	if !path.IsAbs(m.Target) {
		return nil, fmt.Errorf("target %q: want an absolute path", m.Target)
	}
	if len(parts) == 3 {
		for option := range strings.SplitSeq(parts[2], ",") {
			if err := volumeOption(&m, option); err != nil {
				return nil, err
			}
		}
	}
	return addMount(m), nil
}

func volumeOption(m *engine.Mount, option string) error {
	switch option {
	case "rw":
	case "ro":
		m.ReadOnly = true
	case "shared", "rshared", "slave", "rslave", "private", "rprivate":
		m.Propagation = option
	default:
		return fmt.Errorf("option %q: want ro, rw or a propagation such as rslave", option)
	}
	return nil
}

// tmpfs takes TARGET[:OPTIONS], options as the kernel's mount knows them.
func tmpfs(value string, _ Context) (change, error) {
	target, options, _ := strings.Cut(value, ":")
	if !path.IsAbs(target) {
		return nil, fmt.Errorf("target %q: want an absolute path", target)
	}
	return func(s *engine.Spec) {
		if s.Tmpfs == nil {
			s.Tmpfs = map[string]string{}
		}
		s.Tmpfs[path.Clean(target)] = options
	}, nil
}
