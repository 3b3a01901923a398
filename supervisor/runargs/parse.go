package runargs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/shlex"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/spelling"
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
	r := reader{context: c, words: words, seen: map[string]bool{}}
	var files, values []change // Files come first, wherever they stand.
	var problems []error
	for r.flags() {
		f, found, err := r.next()
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("RQD_RUN_ARGS: %w", err))
		case f.file:
			files = append(files, found)
		default:
			values = append(values, found)
		}
	}
	changes := slices.Concat(files, values)
	if command := r.words; len(command) > 0 {
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

// reader takes words from the front.
type reader struct {
	context Context
	words   []string
	seen    map[string]bool // Flags that may be given once.
}

// flags says that a flag comes next, and takes the -- that ends them.
func (r *reader) flags() bool {
	if len(r.words) > 0 && r.words[0] == "--" {
		r.words = r.words[1:]
		return false
	}
	return len(r.words) > 0 && strings.HasPrefix(r.words[0], "-") && r.words[0] != "-"
}

// next reads one flag with its value.
func (r *reader) next() (flag, change, error) {
	word := r.words[0]
	r.words = r.words[1:]
	name, value, attached := strings.Cut(word, "=")
	if !strings.HasPrefix(word, "--") && len(name) > 2 { // -eNAME=value, -p8444:8444.
		name, value, attached = word[:2], strings.TrimPrefix(word[2:], "="), true
	}
	f, ok := lookup(name)
	if !ok {
		return f, nil, unknown(name)
	}
	if f.boolean && attached && !strings.HasPrefix(word, "--") && word[2] != '=' { // -Pv /a:/b.
		r.words = slices.Insert(r.words, 0, "-"+word[2:])
		attached = false
	}
	if !attached {
		value, ok = r.value(f)
	}
	if f.refused != "" {
		return f, nil, fmt.Errorf("%s: %s", name, f.refused)
	}
	if !ok {
		return f, nil, fmt.Errorf("%s: its value is missing", name)
	}
	if f.once && r.seen[f.name] {
		return f, nil, fmt.Errorf("%s: it is given twice, and here one is taken", name)
	}
	r.seen[f.name] = true
	found, err := f.read(value, r.context)
	if err != nil {
		return f, nil, fmt.Errorf("%s %q: %w", name, value, err)
	}
	return f, found, nil
}

func unknown(name string) error {
	meant := ""
	if near := spelling.Nearest(name, slices.Collect(maps.Keys(table())), 2); near != "" {
		meant = ", is " + near + " meant?"
	}
	return fmt.Errorf("%s: no such flag%s Known are %s", name, cmp.Or(meant, "."), strings.Join(known(), ", "))
}

// value is the next word, or true for a flag that needs none.
func (r *reader) value(f flag) (string, bool) {
	if f.boolean {
		return "true", true
	}
	if len(r.words) == 0 {
		return "", false
	}
	value := r.words[0]
	r.words = r.words[1:]
	return value, true
}

// conflict finds flags that exclude each other.
func conflict(apply func(*engine.Spec)) error {
	var s engine.Spec
	apply(&s)
	mode, _, _ := strings.Cut(s.NetworkMode, ":")
	if err := networkConflict(s, mode); err != nil {
		return err
	}
	switch {
	case s.DisableHealthcheck && s.Health != nil:
		return errors.New("--no-healthcheck and --health-* exclude each other")
	case s.Log.Driver == "none" && len(s.Log.Options) > 0:
		return errors.New("--log-driver none and --log-opt exclude each other")
	case s.NanoCPUs != 0 && (s.CPUPeriod != 0 || s.CPUQuota != 0):
		return errors.New("--cpus and --cpu-period or --cpu-quota exclude each other")
	}
	return s.Validate()
}
