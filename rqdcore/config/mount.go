package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/wire"
)

// propagations are the kernel's, as the engine names them.
var propagations = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}

// mountNames are the items of a mount that mean something to RQD, with their aliases.
var mountNames = map[string]string{
	"type":             "type",
	"source":           "source",
	"src":              "source",
	"target":           "target",
	"dst":              "target",
	"destination":      "target",
	"bind-propagation": "bind-propagation",
	"readonly":         "readonly",
	"ro":               "readonly",
	"tmpfs-size":       "tmpfs-size",
	"tmpfs-mode":       "tmpfs-mode",
}

// ParseMount reads one value of [docker.mounts]: items separated by commas, each NAME:VALUE
// as the Python RQD wants it or NAME=VALUE as docker does, and the flags ro and readonly. An
// item that RQD has no use for is left out and named in ignored; anything it does not
// understand is an error.
func ParseMount(text string) (m engine.Mount, ignored []string, err error) {
	items := make(map[string]string)
	for item := range strings.SplitSeq(text, ",") {
		name, value, err := parseItem(strings.TrimSpace(item))
		if err != nil {
			return engine.Mount{}, nil, err
		}
		known, ok := mountNames[name]
		if !ok {
			ignored = append(ignored, name)
			continue
		}
		if _, twice := items[known]; twice {
			return engine.Mount{}, nil, fmt.Errorf("item %q: %s is given twice; want it once", strings.TrimSpace(item), known)
		}
		items[known] = value
	}
	m, err = buildMount(items)
	return m, ignored, err
}

// parseItem splits at the first ":" or "=". A second ":" after a ":" is refused, as by the
// Python RQD: it is the sign of a forgotten comma or of docker's short syntax.
func parseItem(item string) (name, value string, err error) {
	i := strings.IndexAny(item, ":=")
	switch {
	case item == "":
		return "", "", errors.New("has an empty item; want NAME:VALUE between commas")
	case strings.Contains(item, "\n"):
		return "", "", fmt.Errorf("item %q spans two lines; want a comma at the end of the first", item)
	case i < 0 && mountNames[strings.ToLower(item)] == "readonly":
		return "readonly", "true", nil
	case i < 0:
		return "", "", fmt.Errorf("item %q has no value; want NAME:VALUE, for example target:/tmp", item)
	case item[i] == ':' && strings.Contains(item[i+1:], ":"):
		return "", "", fmt.Errorf("item %q has more than one colon; want NAME:VALUE, or NAME=VALUE for a path with colons", item)
	}
	name, value = strings.ToLower(strings.TrimSpace(item[:i])), strings.TrimSpace(item[i+1:])
	if name == "" || value == "" {
		return "", "", fmt.Errorf("item %q lacks its name or its value; want NAME:VALUE", item)
	}
	return name, value, nil
}

func buildMount(items map[string]string) (engine.Mount, error) {
	for _, name := range []string{"type", "target"} {
		if items[name] == "" {
			return engine.Mount{}, fmt.Errorf("has no %s; want type:bind,source:/PATH,target:/PATH", name)
		}
	}
	m := engine.Mount{
		Type:        engine.MountType(items["type"]),
		Source:      items["source"],
		Target:      items["target"],
		Propagation: items["bind-propagation"],
	}
	if err := checkTarget(m.Target); err != nil {
		return engine.Mount{}, fmt.Errorf("target %q: %w", m.Target, err)
	}
	if text, ok := items["readonly"]; ok {
		readOnly, err := parseBool(text)
		if err != nil {
			return engine.Mount{}, fmt.Errorf("readonly %q: %w", text, err)
		}
		m.ReadOnly = readOnly
	}
	if err := checkKind(&m); err != nil {
		return engine.Mount{}, err
	}
	if err := tmpfsItems(items, &m); err != nil {
		return engine.Mount{}, err
	}
	return m, nil
}

// checkTarget wants a place in the frame's container that is the studio's to give.
func checkTarget(target string) error {
	switch clean := path.Clean(target); {
	case !path.IsAbs(target) || clean == "/":
		return errors.New("want an absolute path other than /")
	case clean == wire.MountPoint || strings.HasPrefix(clean, wire.MountPoint+"/"):
		return fmt.Errorf("want a path outside of %s, which is RQD's own", wire.MountPoint)
	}
	return nil
}

// checkKind holds what the engine would otherwise refuse at every frame's start.
func checkKind(m *engine.Mount) error {
	switch m.Type {
	case engine.MountBind:
		if !path.IsAbs(m.Source) {
			return fmt.Errorf("source %q: want an absolute path of the host", m.Source)
		}
	case engine.MountVolume:
		if !isVolumeName(m.Source) {
			return fmt.Errorf("source %q: want a volume's name; for a path of the host want type:bind", m.Source)
		}
	case engine.MountTmpfs:
		m.Source = "" // The Python RQD wants one, the engine none.
	default:
		return fmt.Errorf("type %q: want bind, volume or tmpfs", string(m.Type))
	}
	switch {
	case m.Propagation == "":
		return nil
	case m.Type != engine.MountBind:
		return fmt.Errorf("bind-propagation %q: want it only with type:bind", m.Propagation)
	case !slices.Contains(propagations, m.Propagation):
		return fmt.Errorf("bind-propagation %q: want one of %s", m.Propagation, strings.Join(propagations, ", "))
	}
	return nil
}

// isVolumeName is the engine's rule: [a-zA-Z0-9][a-zA-Z0-9_.-]+.
func isVolumeName(name string) bool {
	for i, r := range name {
		alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !alphanumeric && (i == 0 || !strings.ContainsRune("_.-", r)) {
			return false
		}
	}
	return len(name) > 1
}

func tmpfsItems(items map[string]string, m *engine.Mount) error {
	sizeText, hasSize := items["tmpfs-size"]
	modeText, hasMode := items["tmpfs-mode"]
	if (hasSize || hasMode) && m.Type != engine.MountTmpfs {
		return errors.New("has tmpfs-size or tmpfs-mode; want them only with type:tmpfs")
	}
	if hasSize {
		n, err := parseSize(sizeText)
		if err != nil {
			return fmt.Errorf("tmpfs-size %q: %w", sizeText, err)
		}
		m.TmpfsSize = n
	}
	if hasMode {
		mode, err := strconv.ParseUint(modeText, 8, 12)
		if err != nil {
			return fmt.Errorf("tmpfs-mode %q: want an octal mode such as 1777", modeText)
		}
		m.TmpfsMode = uint32(mode) // #nosec G115 -- ParseUint holds it to 12 bits.
	}
	return nil
}

// formatMount is the inverse of ParseMount, in docker's form because a path may hold a colon.
func formatMount(m engine.Mount) string {
	items := []string{"type=" + string(m.Type)}
	if m.Source != "" {
		items = append(items, "source="+m.Source)
	}
	items = append(items, "target="+m.Target)
	if m.Propagation != "" {
		items = append(items, "bind-propagation="+m.Propagation)
	}
	if m.ReadOnly {
		items = append(items, "readonly")
	}
	if m.TmpfsSize != 0 {
		items = append(items, "tmpfs-size="+strconv.FormatInt(m.TmpfsSize, 10))
	}
	if m.TmpfsMode != 0 {
		items = append(items, "tmpfs-mode="+strconv.FormatUint(uint64(m.TmpfsMode), 8))
	}
	return strings.Join(items, ",")
}
