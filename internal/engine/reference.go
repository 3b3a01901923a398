package engine

import (
	"fmt"

	"github.com/distribution/reference"
)

// Reference is a parsed image reference with its defaults filled in.
type Reference struct {
	Registry   string // For example "docker.io" or "registry:5000".
	Repository string // For example "library/rockylinux".
	Tag        string // "latest" when the text names neither tag nor digest.
	Digest     string // "sha256:…" when the text pins one.
	ID         string // "sha256:…" when the text is a local image's id; the other fields are empty then.

	canonical string
}

// String is the full form, which means the same on every engine.
func (r Reference) String() string { return r.canonical }

// Pullable reports whether a registry can serve the reference; an image id is only known locally.
func (r Reference) Pullable() bool { return r.canonical != "" && r.ID == "" }

// ParseReference parses an image reference as docker does: "rocky9", "registry:5000/show/maya:2026",
// "name@sha256:…", or the full id of a local image. A text that is none of these is ErrInvalid.
func ParseReference(text string) (Reference, error) {
	parsed, err := reference.ParseAnyReference(text)
	if err != nil {
		return Reference{}, as(ErrInvalid, fmt.Errorf("parse image reference %q: %w", text, err))
	}
	named, ok := parsed.(reference.Named)
	if !ok {
		return Reference{ID: parsed.String(), canonical: parsed.String()}, nil
	}
	named = reference.TagNameOnly(named)
	r := Reference{
		Registry:   reference.Domain(named),
		Repository: reference.Path(named),
		canonical:  named.String(),
	}
	if tagged, ok := named.(reference.Tagged); ok {
		r.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		r.Digest = digested.Digest().String()
	}
	return r, nil
}
