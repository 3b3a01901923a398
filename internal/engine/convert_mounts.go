package engine

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/docker/docker/api/types/mount"
)

// toMounts puts each mount where the API has a place for it. A bind whose source may be created
// goes among the binds: before API 1.45 the mounts have no such option.
func toMounts(mounts []Mount) (binds []string, rest []mount.Mount) {
	for _, m := range mounts {
		if m.CreateSource {
			binds = append(binds, toBind(m))
			continue
		}
		rest = append(rest, toMount(m))
	}
	return binds, rest
}

func (m Mount) validate() error {
	switch {
	case !path.IsAbs(m.Target):
		return fmt.Errorf("mount target %q: must be an absolute path", m.Target)
	case m.Type != MountBind && m.Type != MountVolume && m.Type != MountTmpfs:
		return fmt.Errorf("mount %s: type %q: must be bind, volume or tmpfs", m.Target, m.Type)
	case m.Type == MountBind && !path.IsAbs(m.Source):
		return fmt.Errorf("mount %s: bind source %q: must be an absolute path", m.Target, m.Source)
	case m.Type != MountBind && (m.Propagation != "" || m.CreateSource):
		return fmt.Errorf("mount %s: propagation and source creation are for binds, not for %s", m.Target, m.Type)
	case m.CreateSource && strings.ContainsRune(m.Source+m.Target, ':'):
		return fmt.Errorf("mount %s: a bind whose source is created cannot have a colon in its paths", m.Target)
	}
	return nil
}

func toMount(m Mount) mount.Mount {
	out := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
	if m.Propagation != "" {
		out.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(m.Propagation)}
	}
	if m.Type == MountTmpfs && (m.TmpfsSize != 0 || m.TmpfsMode != 0) {
		out.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: m.TmpfsSize, Mode: os.FileMode(m.TmpfsMode)}
	}
	return out
}

func toBind(m Mount) string {
	options := []string{"rw"}
	if m.ReadOnly {
		options[0] = "ro"
	}
	if m.Propagation != "" {
		options = append(options, m.Propagation)
	}
	return m.Source + ":" + m.Target + ":" + strings.Join(options, ",")
}
