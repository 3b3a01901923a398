package runargs

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDocumented compares docs/run-args.md with the table.
func TestDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/run-args.md")
	if err != nil {
		t.Fatal(err)
	}
	var taken []string
	var refused strings.Builder
	flags := table()
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		f := flags[name]
		shown := "`" + name + "`"
		if f.short != "" {
			shown += " `" + f.short + "`"
		}
		switch {
		case f.refused != "":
			fmt.Fprintf(&refused, "| %s | %s |\n", shown, f.refused)
		case f.of == "":
			taken = append(taken, shown)
		}
	}
	for _, want := range []string{strings.Join(taken, ", ") + "\n", refused.String()} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/run-args.md: want\n%s", want)
		}
	}
}
