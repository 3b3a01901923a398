package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// CopyTo writes files into a container, started or not. Missing parent directories are made with
// mode 0755 and owned by root; existing ones keep their mode and owner, and may be links. What lies
// on a tmpfs of a container that is not running is lost: the engine mounts those at the start.
func (c *Client) CopyTo(ctx context.Context, id string, files []File) error {
	for _, f := range files {
		if !path.IsAbs(f.Path) || strings.HasSuffix(f.Path, "/") {
			return as(ErrInvalid, fmt.Errorf("copy into container: path %q: must be the absolute path of a file", f.Path))
		}
	}
	dirs, err := c.missingDirs(ctx, id, files)
	if err != nil {
		return classify("copy into container", err)
	}
	archive, err := toTar(dirs, files)
	if err != nil {
		return classify("copy into container", err)
	}
	return classify("copy into container", c.api.CopyToContainer(ctx, id, "/", archive, container.CopyToContainerOptions{}))
}

// missingDirs returns the parents that have to be made, outermost first. They go into the archive
// explicitly, because the engine makes parents it is not told of with mode 0777; existing ones must
// stay out of it, because it would replace a link by a directory and reset modes.
func (c *Client) missingDirs(ctx context.Context, id string, files []File) ([]string, error) {
	known := map[string]bool{"/": true}
	var missing []string
	for _, f := range files {
		var chain []string
		for dir := path.Dir(path.Clean(f.Path)); !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
			_, err := c.api.ContainerStatPath(ctx, id, dir)
			if errors.Is(classify("stat", err), ErrNotFound) {
				chain = append([]string{dir}, chain...)
				continue
			}
			if err != nil {
				return nil, err
			}
			break
		}
		missing = append(missing, chain...)
	}
	return missing, nil
}

func toTar(dirs []string, files []File) (*bytes.Buffer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, dir := range dirs {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(dir, "/") + "/", Mode: 0o755}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		h := &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     strings.TrimPrefix(path.Clean(f.Path), "/"),
			Mode:     int64(f.Mode),
			Uid:      f.UID,
			Gid:      f.GID,
			Size:     int64(len(f.Content)),
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, err
		}
	}
	return &buf, w.Close()
}
