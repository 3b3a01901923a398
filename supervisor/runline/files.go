package runline

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rqdswarm/internal/engine"
)

// filesDir is where Swarm configs and binds for RQD are put; all of it goes to the same place in RQD's container.
const filesDir = "/etc/opencue"

// maxFileSize bounds what is copied: a Swarm config has 500 kB at most, and this is no way to ship data.
const maxFileSize = 16 << 20

// Files reads what is copied into RQD's container before it starts: everything below /etc/opencue, and the
// paths in list, each PATH or PATH:TARGET. They keep their permission bits and belong to root.
func Files(root string, list []string) ([]engine.File, error) {
	files, err := tree(root, filesDir, filesDir)
	if errors.Is(err, fs.ErrNotExist) {
		files, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		source, target, ok := strings.Cut(item, ":")
		if !ok {
			target = source
		}
		if !filepath.IsAbs(source) || !filepath.IsAbs(target) {
			return nil, fmt.Errorf("RQD_FILES: %q: want /path or /path:/target, both absolute", item)
		}
		more, err := tree(root, source, target)
		if err != nil {
			return nil, fmt.Errorf("RQD_FILES: %q: %w", item, err)
		}
		files = append(files, more...)
	}
	return files, nil
}

// registrySecret is where RQD, and the supervisor itself when it is not told, look for a docker config.json.
const registrySecret = "/run/secrets/docker-config.json"

// WithLogin adds the supervisor's own login at a registry, so that RQD pulls the images of frames with it. One that is not
// there is left out: the supervisor says so when it pulls RQD's image.
func WithLogin(root, configured string, files []engine.File) ([]engine.File, error) {
	if slices.ContainsFunc(files, func(f engine.File) bool { return f.Path == registrySecret }) {
		return files, nil // RQD_FILES has another one for RQD.
	}
	login, err := tree(root, cmp.Or(configured, registrySecret), registrySecret)
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, fmt.Errorf("registry's login for RQD: %w", err)
	}
	return append(files, login...), nil
}

// tree reads a file, or all files below a directory. Links are followed: Swarm mounts files, kubelets link them.
func tree(root, source, target string) ([]engine.File, error) {
	info, err := os.Stat(filepath.Join(root, source))
	if err != nil {
		return nil, pathError(source, err)
	}
	if !info.IsDir() {
		f, err := read(root, source, target, info)
		if err != nil {
			return nil, err
		}
		return []engine.File{f}, nil
	}
	entries, err := os.ReadDir(filepath.Join(root, source))
	if err != nil {
		return nil, pathError(source, err)
	}
	var files []engine.File
	for _, e := range entries {
		more, err := tree(root, filepath.Join(source, e.Name()), filepath.Join(target, e.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return files, nil
}

func read(root, source, target string, info fs.FileInfo) (engine.File, error) {
	switch {
	case !info.Mode().IsRegular():
		return engine.File{}, fmt.Errorf("copy %s: not a regular file", source)
	case info.Size() > maxFileSize:
		return engine.File{}, fmt.Errorf("copy %s: %d bytes, at most %d are copied into RQD's container; mount it by RQD_RUN_ARGS", source, info.Size(), maxFileSize)
	}
	content, err := os.ReadFile(filepath.Join(root, source))
	if err != nil {
		return engine.File{}, pathError(source, err)
	}
	return engine.File{Path: target, Mode: uint32(info.Mode().Perm()), Content: content}, nil
}

// pathError names the path as the user knows it, without the root that tests put before it.
func pathError(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("read %s: %w", path, err)
}
