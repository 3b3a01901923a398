package runargs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/shlex"

	"rqdswarm/internal/engine"
)

// Context is the task that the flags are written for: what --env NAME and --env-file read.
type Context struct {
	Environ  []string
	ReadFile func(path string) ([]byte, error)
}

// change puts one flag's value into a spec.
type change func(*engine.Spec)

// Parse splits text into words as a shell does and reads them. What comes after the flags is RQD's command.
// The error names every problem, one a line.
func Parse(text string, c Context) (apply func(*engine.Spec), err error) {
	words, err := shlex.Split(text)
	if err != nil {
		return nil, fmt.Errorf("RQD_RUN_ARGS: %w", err)
	}
	var changes []change
	var problems []error
	for len(words) > 0 && strings.HasPrefix(words[0], "-") && words[0] != "-" {
		if words[0] == "--" {
			words = words[1:]
			break
		}
		var found change
		found, words, err = next(words, c)
		if err != nil {
			problems = append(problems, fmt.Errorf("RQD_RUN_ARGS: %w", err))
			continue
		}
		changes = append(changes, found)
	}
	if command := words; len(command) > 0 {
		changes = append(changes, func(s *engine.Spec) { s.Cmd = slices.Clone(command) })
	}
	apply = func(s *engine.Spec) {
		for _, change := range changes {
			change(s)
		}
	}
	if err := conflict(apply); err != nil {
		problems = append(problems, fmt.Errorf("RQD_RUN_ARGS: %w", err))
	}
	return apply, errors.Join(problems...)
}

// next reads one flag with its value, and returns the words after it.
func next(words []string, c Context) (change, []string, error) {
	word, rest := words[0], words[1:]
	name, value, attached := strings.Cut(word, "=")
	if !strings.HasPrefix(word, "--") && len(name) > 2 { // -eNAME=value, -p8444:8444.
		name, value, attached = word[:2], strings.TrimPrefix(word[2:], "="), true
	}
	f, ok := lookup(name)
	if !ok {
		return nil, rest, fmt.Errorf("%s: no such flag here; known are %s", name, strings.Join(known(), ", "))
	}
	if f.refused != "" {
		if !f.boolean && !attached && len(rest) > 0 {
			rest = rest[1:]
		}
		return nil, rest, fmt.Errorf("%s: %s", name, f.refused)
	}
	switch {
	case attached:
	case f.boolean:
		value = "true"
	case len(rest) == 0:
		return nil, rest, fmt.Errorf("%s: its value is missing", name)
	default:
		value, rest = rest[0], rest[1:]
	}
	found, err := f.read(value, c)
	if err != nil {
		return nil, rest, fmt.Errorf("%s %q: %w", name, value, err)
	}
	return found, rest, nil
}

// conflict finds flags that exclude each other.
func conflict(apply func(*engine.Spec)) error {
	var s engine.Spec
	apply(&s)
	switch mode, _, _ := strings.Cut(s.NetworkMode, ":"); {
	case len(s.Ports) > 0 && (mode == "host" || mode == "none" || mode == "container"):
		return fmt.Errorf("--publish and --network %s exclude each other", s.NetworkMode)
	case s.UTSMode == "host" && s.NetworkMode != "" && s.NetworkMode != "host":
		return fmt.Errorf("--uts host and --network %s exclude each other", s.NetworkMode)
	}
	if err := s.Validate(); err != nil {
		return err
	}
	return nil
}
