package engine

import (
	"fmt"
	"maps"
	"os"
	"path"
	"strings"

	"github.com/docker/docker/api/types/mount"
)

// toMounts puts each mount where the API has a place for it. One whose source may be created
// goes among the binds, or the anonymous volumes: before API 1.45 the mounts have no such option, and of relabelling
// they know nothing.
func toMounts(mounts []Mount) (binds []string, anonymous map[string]struct{}, rest []mount.Mount) {
	for _, m := range mounts {
		switch {
		case m.CreateSource && m.Source == "":
			if anonymous == nil {
				anonymous = map[string]struct{}{}
			}
			anonymous[m.Target] = struct{}{}
		case m.CreateSource:
			binds = append(binds, toBind(m))
		default:
			rest = append(rest, toMount(m))
		}
	}
	return binds, anonymous, rest
}

func (m Mount) validate() error {
	switch {
	case !path.IsAbs(m.Target):
		return fmt.Errorf("mount target %q: must be an absolute path", m.Target)
	case m.Type != MountBind && m.Type != MountVolume && m.Type != MountTmpfs:
		return fmt.Errorf("mount %s: type %q: must be bind, volume or tmpfs", m.Target, m.Type)
	case m.Type == MountBind && !path.IsAbs(m.Source):
		return fmt.Errorf("mount %s: bind source %q: must be an absolute path", m.Target, m.Source)
	case m.Type != MountBind && (m.Propagation != "" || m.Recursion != ""):
		return fmt.Errorf("mount %s: propagation and recursion are for binds, not for %s", m.Target, m.Type)
	case m.CreateSource && m.Type == MountTmpfs:
		return fmt.Errorf("mount %s: source creation is for binds and volumes", m.Target)
	case m.CreateSource && m.Source == "" && (m.ReadOnly || m.NoCopy || m.Relabel != ""):
		return fmt.Errorf("mount %s: an anonymous volume whose source is created has no options", m.Target)
	case m.Relabel != "" && !m.CreateSource:
		return fmt.Errorf("mount %s: relabelling is for mounts whose source is created", m.Target)
	case m.Type != MountVolume && (m.Volume != nil || m.NoCopy):
		return fmt.Errorf("mount %s: volume options are for volumes, not for %s", m.Target, m.Type)
	case m.CreateSource && strings.ContainsRune(m.Source+m.Target, ':'):
		return fmt.Errorf("mount %s: a mount whose source is created cannot have a colon in its paths", m.Target)
	}
	return nil
}

func toMount(m Mount) mount.Mount {
	out := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
	if m.Propagation != "" || m.Recursion != "" {
		out.BindOptions = &mount.BindOptions{
			Propagation:            mount.Propagation(m.Propagation),
			NonRecursive:           m.Recursion == RecursionDisabled,
			ReadOnlyNonRecursive:   m.Recursion == RecursionWritable,
			ReadOnlyForceRecursive: m.Recursion == RecursionReadOnly,
		}
	}
	if m.Volume != nil || m.NoCopy {
		out.VolumeOptions = toVolumeOptions(m)
	}
	if m.Type == MountTmpfs && (m.TmpfsSize != 0 || m.TmpfsMode != 0) {
		out.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: m.TmpfsSize, Mode: os.FileMode(m.TmpfsMode)}
	}
	return out
}

func toVolumeOptions(m Mount) *mount.VolumeOptions {
	out := &mount.VolumeOptions{NoCopy: m.NoCopy}
	if m.Volume == nil {
		return out
	}
	out.Labels = maps.Clone(m.Volume.Labels)
	if m.Volume.Driver != "" || len(m.Volume.DriverOptions) > 0 {
		out.DriverConfig = &mount.Driver{Name: m.Volume.Driver, Options: maps.Clone(m.Volume.DriverOptions)}
	}
	return out
}

func toBind(m Mount) string {
	var options []string
	if m.ReadOnly {
		options = append(options, "ro")
	}
	for _, more := range []string{m.Propagation, m.Relabel} {
		if more != "" {
			options = append(options, more)
		}
	}
	if m.NoCopy {
		options = append(options, "nocopy")
	}
	bind := m.Source + ":" + m.Target
	if len(options) > 0 { // Without any, a volume is relabelled where there is SELinux.
		bind += ":" + strings.Join(options, ",")
	}
	return bind
}
