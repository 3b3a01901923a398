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

// mount takes docker run's long form. What an engine.Mount cannot say, or an engine would not do, is refused.
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
		if v.Subpath != "" {
			return nil, errors.New("volume-subpath: engines before 26.0 mount the whole volume without a word")
		}
		m.NoCopy = v.NoCopy
		m.Volume = &engine.VolumeOptions{Driver: v.DriverConfig.Name, DriverOptions: v.DriverConfig.Options, Labels: v.Labels}
	}
	if b := found.BindOptions; b != nil {
		m.Propagation = string(b.Propagation)
		switch {
		case b.NonRecursive:
			m.Recursion = engine.RecursionDisabled
		case b.ReadOnlyNonRecursive:
			m.Recursion = engine.RecursionWritable
		case b.ReadOnlyForceRecursive:
			m.Recursion = engine.RecursionReadOnly
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
	m := engine.Mount{Type: engine.MountVolume, Target: parts[len(parts)-1], CreateSource: true}
	if len(parts) > 1 {
		m.Source, m.Target = parts[0], parts[1]
	}
	switch {
	case path.IsAbs(m.Source):
		m.Type = engine.MountBind
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
	case "rw", "consistent", "cached", "delegated": // The last three are for Docker Desktop's old file sharing.
	case "z", "Z":
		m.Relabel = option
	case "nocopy":
		if m.Type != engine.MountVolume {
			return errors.New("option nocopy: it is for volumes")
		}
		m.NoCopy = true
	case "ro":
		m.ReadOnly = true
	case "shared", "rshared", "slave", "rslave", "private", "rprivate":
		m.Propagation = option
	default:
		return fmt.Errorf("option %q: want ro, rw, z, Z, nocopy or a propagation such as rslave", option)
	}
	return nil
}

func volumesFrom(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.VolumesFrom = append(s.VolumesFrom, value) }, nil
}

func volumeDriver(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.VolumeDriver = value }, nil
}

func storageOpt(value string, _ Context) (change, error) {
	name, text, ok := strings.Cut(value, "=")
	if !ok || name == "" {
		return nil, errors.New("want NAME=value")
	}
	return func(s *engine.Spec) {
		if s.StorageOpt == nil {
			s.StorageOpt = map[string]string{}
		}
		s.StorageOpt[name] = text
	}, nil
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
