package engine

import (
	"context"
	"time"
)

// Volume is a named volume.
type Volume struct {
	Name    string
	Driver  string
	Labels  map[string]string
	Created time.Time // Whole seconds.
}

// VolumeInspect returns a volume by name.
func (c *Client) VolumeInspect(ctx context.Context, name string) (Volume, error) {
	raw, err := c.api.VolumeInspect(ctx, name)
	if err != nil {
		return Volume{}, classify("inspect volume "+name, err)
	}
	return Volume{Name: raw.Name, Driver: raw.Driver, Labels: raw.Labels, Created: parseTime(raw.CreatedAt)}, nil
}

// VolumeRemove deletes a volume. One that a container still names, running or not, is ErrConflict.
func (c *Client) VolumeRemove(ctx context.Context, name string) error {
	return classify("remove volume "+name, c.api.VolumeRemove(ctx, name, false))
}
