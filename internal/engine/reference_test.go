package engine

import (
	"errors"
	"strings"
	"testing"
)

func TestParseReferenceFillsInWhatDockerDoes(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("ab", 32)
	for text, want := range map[string]Reference{
		"rocky9":                     {Registry: "docker.io", Repository: "library/rocky9", Tag: "latest", canonical: "docker.io/library/rocky9:latest"},
		"studio/maya:2026":           {Registry: "docker.io", Repository: "studio/maya", Tag: "2026", canonical: "docker.io/studio/maya:2026"},
		"registry:5000/show/maya":    {Registry: "registry:5000", Repository: "show/maya", Tag: "latest", canonical: "registry:5000/show/maya:latest"},
		"localhost/x:1":              {Registry: "localhost", Repository: "x", Tag: "1", canonical: "localhost/x:1"},
		"127.0.0.1:5000/x@" + digest: {Registry: "127.0.0.1:5000", Repository: "x", Digest: digest, canonical: "127.0.0.1:5000/x@" + digest},
		"x:1@" + digest:              {Registry: "docker.io", Repository: "library/x", Tag: "1", Digest: digest, canonical: "docker.io/library/x:1@" + digest},
		digest:                       {ID: digest, canonical: digest},
		strings.Repeat("ab", 32):     {ID: digest, canonical: digest},
	} {
		have, err := ParseReference(text)
		if err != nil || have != want {
			t.Errorf("%s: want %+v, have %+v, %v", text, want, have, err)
		}
		if have.Pullable() != (want.ID == "") {
			t.Errorf("%s: want pullable %v", text, want.ID == "")
		}
	}
	for _, text := range []string{"", "UPPER", "a b", "x:", "x:a b", "/x", "registry:port/x", "x@sha256:12", "x:" + strings.Repeat("t", 129)} {
		if r, err := ParseReference(text); !errors.Is(err, ErrInvalid) || !containsText(err, text) {
			t.Errorf("%q: want ErrInvalid that names it, have %+v, %v", text, r, err)
		}
	}
}
