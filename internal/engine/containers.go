package engine

import (
	"context"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/versions"
)

// Create makes a container and returns its id and the engine's warnings. It does not start it and
// does not pull: an image that is not there is ErrNotFound, a name in use is ErrConflict.
func (c *Client) Create(ctx context.Context, s Spec) (id string, warnings []string, err error) {
	req, err := toCreate(s)
	if err != nil {
		return "", nil, err
	}
	if versions.LessThan(c.api.ClientVersion(), "1.44") {
		req.withoutEndpointMAC()
	}
	resp, err := c.api.ContainerCreate(ctx, req.config, req.host, req.network, nil, s.Name)
	if err != nil {
		return "", nil, classify("create container "+s.Name, err)
	}
	return resp.ID, resp.Warnings, nil
}

// Start runs a created or ended container. Starting a running one does nothing. After a failed
// start the container is still there, in StateCreated, and its Error says why.
func (c *Client) Start(ctx context.Context, id string) error {
	return classify("start container", c.api.ContainerStart(ctx, id, container.StartOptions{}))
}

// Signal sends a signal, by name ("SIGTERM", "TERM") or number, to the container's process 1.
// A container that is not running is ErrConflict.
func (c *Client) Signal(ctx context.Context, id, signal string) error {
	return classify("signal container", c.api.ContainerKill(ctx, id, signal))
}

// Rename gives the container another name, running or not; the old name is free at once.
func (c *Client) Rename(ctx context.Context, id, name string) error {
	return classify("rename container", c.api.ContainerRename(ctx, id, name))
}

// RemoveOptions choose how Remove goes about it.
type RemoveOptions struct {
	// Force kills the container first if it runs; without it a running one is ErrConflict.
	Force bool
}

// Remove deletes the container and its anonymous volumes. One that is not there is ErrNotFound and
// one that somebody else is removing is ErrRemoving: IsGone holds for both.
func (c *Client) Remove(ctx context.Context, id string, o RemoveOptions) error {
	err := classify("remove container", c.api.ContainerRemove(ctx, id, container.RemoveOptions{RemoveVolumes: true, Force: o.Force}))
	return c.refineRemoval(ctx, removal{RemoveOptions: o, id: id, err: err})
}

// List returns the containers in any state that carry all the labels; an empty value matches every
// value. It fills in ID, Name, Image, ImageID, Labels, State, Created (whole seconds) and Mounts.
func (c *Client) List(ctx context.Context, labels map[string]string) ([]Container, error) {
	found, err := c.api.ContainerList(ctx, container.ListOptions{All: true, Filters: labelFilter(labels)})
	if err != nil {
		return nil, classify("list containers", err)
	}
	list := make([]Container, 0, len(found))
	for _, s := range found {
		list = append(list, fromSummary(s))
	}
	return list, nil
}

// Inspect returns everything about one container, by id, unique id prefix or name.
func (c *Client) Inspect(ctx context.Context, idOrName string) (Container, error) {
	raw, err := c.api.ContainerInspect(ctx, idOrName)
	if err != nil {
		return Container{}, classify("inspect container", err)
	}
	return fromInspect(raw), nil
}

func labelFilter(labels map[string]string) filters.Args {
	f := filters.NewArgs()
	for k, v := range labels {
		if v != "" {
			k += "=" + v
		}
		f.Add("label", k)
	}
	return f
}
