package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rqdswarm/rqdcore/conformance/suite"
)

// TestContractNamesWhatIsThere keeps docs/contract.md true: the tests, checks and packages that it names exist.
func TestContractNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	var (
		tests  = allTests(t)
		name   = regexp.MustCompile("`((?:Test|Fuzz)[^`]*)`")
		checks = regexp.MustCompile(`check (\d+(?:, \d+)*)`)
		inner  = regexp.MustCompile("`([a-z/]+)`")
	)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 { // Three, between the outer bars.
			continue
		}
		for _, p := range inner.FindAllStringSubmatch(cells[2], -1) {
			if !isDir(p[1]) && !isDir("../"+p[1]) && p[1] != "main" {
				t.Errorf("no package %s: %s", p[1], line)
			}
		}
		for _, m := range name.FindAllStringSubmatch(cells[3], -1) {
			if !tests[m[1]] {
				t.Errorf("no test %s: %s", m[1], line)
			}
		}
		for _, m := range checks.FindAllStringSubmatch(cells[3], -1) {
			for number := range strings.SplitSeq(m[1], ", ") {
				if n, _ := strconv.Atoi(number); n < 1 || n > len(suite.Checks()) {
					t.Errorf("no check %s: %s", number, line)
				}
			}
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// allTests are the names of the repository's tests, those of every build.
func allTests(t *testing.T) map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		content, err := os.ReadFile(path) // #nosec G304 G122 -- our own sources.
		for _, m := range function.FindAllSubmatch(content, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
