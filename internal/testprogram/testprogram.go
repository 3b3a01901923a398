// Package testprogram makes the programs that integration tests run. Only tests import it.
package testprogram

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
)

// Directory is the variable that names a directory of programs that lie ready, for machines without Go such as the
// guest of scripts/cgroup2.sh.
const Directory = "RQD_TEST_PROGRAMS"

// Build compiles the main package with the import path, with more flags of go build, into dir and returns the
// program's path. It is static, but for the race detector, which needs C. A program that lies ready under the
// package's name is taken as it is: it is not in dir.
func Build(dir, importPath string, flags ...string) (string, error) {
	name := path.Base(importPath)
	if ready := os.Getenv(Directory); ready != "" {
		return filepath.Join(ready, name), nil
	}
	program := filepath.Join(dir, name)
	build := exec.Command("go", slices.Concat([]string{"build"}, flags, []string{"-o", program, importPath})...) // #nosec G204 -- our own packages.
	if !slices.Contains(flags, "-race") {
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", importPath, err, out)
	}
	return program, nil
}
