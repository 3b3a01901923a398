// Package readme holds the README's tables to the code that they describe.
package readme

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Check fails the test when the README at path differs from want between the comments
// `<!-- section: begin -->` and `<!-- section: end -->`. With README=update in the environment it
// writes want there instead.
func Check(t testing.TB, path, section, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+section+": begin -->\n", "<!-- "+section+": end -->"
	head, rest, _ := strings.Cut(string(text), begin)
	have, tail, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s has no part between %q and %q", path, begin, end)
	}
	if os.Getenv("README") == "update" {
		if err := os.WriteFile(path, []byte(head+begin+want+end+tail), 0o644); err != nil { // #nosec G306 -- it is the README.
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("%s and the code differ in %s, want- have+\n%s", path, section, diff)
	}
}
