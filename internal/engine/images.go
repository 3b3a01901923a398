package engine

import (
	"context"
	"io"

	"github.com/docker/docker/api/types/image"
)

// Image returns a local image, by reference or id. One that is not local is ErrNotFound.
func (c *Client) Image(ctx context.Context, ref string) (Image, error) {
	raw, err := c.api.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, classify("inspect image "+ref, err)
	}
	return fromImage(raw), nil
}

// RemoveImage takes the tag off the image, and deletes it where that was the last one and no
// container uses it; a container that does is ErrConflict.
func (c *Client) RemoveImage(ctx context.Context, ref string) error {
	_, err := c.api.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
	return classify("remove image "+ref, err)
}

// ImportRequest makes an image from a root file system.
type ImportRequest struct {
	Reference string
	RootFS    io.Reader // A tar archive.
	Changes   []string  // Dockerfile instructions, such as `CMD ["sh"]`.
}

// ImportImage makes a one-layer image without a registry. It exists for tests and first set-ups.
func (c *Client) ImportImage(ctx context.Context, r ImportRequest) error {
	source := image.ImportSource{Source: r.RootFS, SourceName: "-"}
	body, err := c.api.ImageImport(ctx, source, r.Reference, image.ImportOptions{Changes: r.Changes})
	if err != nil {
		return classify("import image "+r.Reference, err)
	}
	defer func() { _ = body.Close() }()
	return classify("import image "+r.Reference, readProgress(body, func(progressMessage) {}))
}

// TagImage gives a local image a further reference.
func (c *Client) TagImage(ctx context.Context, ref, further string) error {
	return classify("tag image "+ref, c.api.ImageTag(ctx, ref, further))
}

// PushImage uploads a local image to the registry its reference names.
func (c *Client) PushImage(ctx context.Context, ref string, auth *RegistryAuth) error {
	header, err := encodeAuth(auth)
	if err != nil {
		return classify("push image "+ref, err)
	}
	body, err := c.api.ImagePush(ctx, ref, image.PushOptions{RegistryAuth: header})
	if err != nil {
		return classify("push image "+ref, err)
	}
	defer func() { _ = body.Close() }()
	return classify("push image "+ref, readProgress(body, func(progressMessage) {}))
}
