// Protogen writes the Go code of our .proto files without a protoc on the machine:
// protocompile parses them, and the plugins pinned in this module generate the code.
//
// Usage: protogen -I DIR -out DIR -module PATH -plugin PROGRAM … [-check].
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// plugins collects each -plugin flag: a protoc-gen-* program to drive.
type plugins []string

// String makes plugins a flag.Value.
func (p *plugins) String() string { return strings.Join(*p, ",") }

// Set makes plugins a flag.Value.
func (p *plugins) Set(program string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		return fmt.Errorf("find plugin: %w", err)
	}
	*p = append(*p, path)
	return nil
}

// options is what the command line says.
type options struct {
	protoDir string
	outDir   string
	module   string
	plugins  plugins
	check    bool
}

func main() {
	var opts options
	flag.StringVar(&opts.protoDir, "I", "", "`directory` of the .proto files; they import each other by base name")
	flag.StringVar(&opts.outDir, "out", "", "`directory` below which the code is written")
	flag.StringVar(&opts.module, "module", "", "Go import `path` of the out directory; each go_package lies below it")
	flag.Var(&opts.plugins, "plugin", "`program` that generates code; may be given more than once")
	flag.BoolVar(&opts.check, "check", false, "write nothing; fail and name each file that is stale")
	flag.Parse()

	if err := run(context.Background(), opts); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

// run generates everything in memory before the first file is touched, so a mistake in one
// .proto file leaves the tree as it was.
func run(ctx context.Context, opts options) error {
	if opts.protoDir == "" || opts.outDir == "" || opts.module == "" || len(opts.plugins) == 0 {
		return errors.New("-I, -out, -module and -plugin are all required")
	}
	request, err := compile(ctx, opts.protoDir, opts.module)
	if err != nil {
		return err
	}
	want, err := generate(ctx, request, opts.plugins)
	if err != nil {
		return err
	}
	old, err := generatedFiles(opts.outDir)
	if err != nil {
		return err
	}
	if opts.check {
		return check(opts.outDir, want, old)
	}
	return write(opts.outDir, want, old)
}

// generatedFiles lists what an earlier run left below dir, relative to it: a package whose .proto
// file is gone would otherwise stay for ever.
func generatedFiles(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.pb.go"))
	if err != nil {
		return nil, fmt.Errorf("list generated files: %w", err)
	}
	for i, path := range paths {
		if paths[i], err = filepath.Rel(dir, path); err != nil {
			return nil, fmt.Errorf("list generated files: %w", err)
		}
	}
	return paths, nil
}

// check compares what is on disk with what would be written.
func check(dir string, want map[string]string, old []string) error {
	var stale []error
	for name, content := range want {
		have, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(have) != content {
			stale = append(stale, fmt.Errorf("%s is stale: run make generate", filepath.Join(dir, name)))
		}
	}
	for _, name := range old {
		if _, ok := want[name]; !ok {
			stale = append(stale, fmt.Errorf("%s has no .proto file any more: run make generate", filepath.Join(dir, name)))
		}
	}
	return errors.Join(stale...)
}

// write brings the tree to what was generated, and touches nothing that is right already.
func write(dir string, want map[string]string, old []string) error {
	for _, name := range old {
		if _, ok := want[name]; ok {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove stale code: %w", err)
		}
	}
	for name, content := range want {
		path := filepath.Join(dir, name)
		if have, err := os.ReadFile(path); err == nil && string(have) == content {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make package directory: %w", err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("write code: %w", err)
		}
		fmt.Println("wrote", path)
	}
	return nil
}
