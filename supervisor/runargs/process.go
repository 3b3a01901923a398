package runargs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/cli/opts"
	"github.com/docker/cli/pkg/kvfile"

	"rqdswarm/internal/engine"
)

// reservedLabels are the supervisor's own.
const reservedLabels = "org.rqdswarm."

func entrypoint(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.Entrypoint = []string{value} }, nil
}

// env takes NAME=value, or NAME for the task's own value; one that the task does not have is left out, as docker does.
func env(value string, c Context) (change, error) {
	name, _, given := strings.Cut(value, "=")
	if name == "" {
		return nil, errors.New("want NAME=value or NAME")
	}
	if !given {
		for _, e := range c.Environ {
			if strings.HasPrefix(e, name+"=") {
				return addEnv(e), nil
			}
		}
		return func(*engine.Spec) {}, nil
	}
	return addEnv(value), nil
}

// addEnv sets a variable; a later one of the same name wins.
func addEnv(variable string) change {
	name, _, _ := strings.Cut(variable, "=")
	return func(s *engine.Spec) {
		s.Env = slices.DeleteFunc(slices.Clone(s.Env), func(e string) bool { return strings.HasPrefix(e, name+"=") })
		s.Env = append(s.Env, variable)
	}
}

// envFile and labelFile come before all single values, wherever they stand, as for docker run.
func envFile(path string, c Context) (change, error) {
	lookup := func(name string) (string, bool) {
		for _, e := range c.Environ {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
	return eachLine(path, fileReader{c, lookup}, func(line string) (change, error) { return addEnv(line), nil })
}

func labelFile(path string, c Context) (change, error) {
	return eachLine(path, fileReader{c, nil}, func(line string) (change, error) { return label(line, c) })
}

// fileReader reads files of NAME=value; lookup finds the values of bare names.
type fileReader struct {
	Context
	lookup func(string) (string, bool)
}

// eachLine reads a file as docker does and makes one change of all its lines.
func eachLine(path string, r fileReader, read func(line string) (change, error)) (change, error) {
	content, err := r.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines, err := kvfile.ParseFromReader(strings.NewReader(string(content)), r.lookup)
	if err != nil {
		return nil, err
	}
	var changes []change
	for _, line := range lines {
		one, err := read(line)
		if err != nil {
			return nil, err
		}
		changes = append(changes, one)
	}
	return func(s *engine.Spec) {
		for _, one := range changes {
			one(s)
		}
	}, nil
}

func user(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.User = value }, nil
}

func workdir(value string, _ Context) (change, error) {
	if !strings.HasPrefix(value, "/") {
		return nil, errors.New("want an absolute path")
	}
	return func(s *engine.Spec) { s.WorkingDir = value }, nil
}

func label(value string, _ Context) (change, error) {
	value, err := opts.ValidateLabel(value)
	if err != nil {
		return nil, err
	}
	name, text, _ := strings.Cut(value, "=")
	if strings.HasPrefix(name, reservedLabels) {
		return nil, fmt.Errorf("labels that begin with %s are the supervisor's own", reservedLabels)
	}
	return func(s *engine.Spec) {
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[name] = text
	}, nil
}

func domainname(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.Domainname = value }, nil
}

func groupAdd(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.Groups = append(s.Groups, value) }, nil
}

func initProcess(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.Init = &on })
}

func runtime(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.Runtime = value }, nil
}

func stopSignal(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.StopSignal = value }, nil
}
