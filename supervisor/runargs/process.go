package runargs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/cli/opts"

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

func envFile(path string, c Context) (change, error) {
	content, err := c.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var changes []change
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		one, err := env(line, c)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
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

func stopSignal(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.StopSignal = value }, nil
}

func noHealthcheck(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.DisableHealthcheck = on })
}

func privileged(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.Privileged = on })
}

func readOnly(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.ReadonlyRootfs = on })
}

func boolean(value string, set func(*engine.Spec, bool)) (change, error) {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return nil, errors.New("want true or false")
	}
	return func(s *engine.Spec) { set(s, on) }, nil
}

func capAdd(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.CapAdd = append(s.CapAdd, strings.Split(value, ",")...) }, nil
}

func capDrop(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.CapDrop = append(s.CapDrop, strings.Split(value, ",")...) }, nil
}

// securityOpt takes docker run's options. A seccomp profile is a file of the task's; the engine wants its text.
func securityOpt(value string, c Context) (change, error) {
	key, profile, ok := strings.Cut(value, "=")
	if ok && key == "seccomp" && profile != "unconfined" && profile != "builtin" {
		content, err := c.ReadFile(profile)
		if err != nil {
			return nil, err
		}
		value = "seccomp=" + string(content)
	}
	return func(s *engine.Spec) { s.SecurityOpt = append(s.SecurityOpt, value) }, nil
}

func pid(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.PIDMode = value }, nil
}

func ipc(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.IPCMode = value }, nil
}

// uts with "host" gives RQD the host's name itself; the engine refuses another one beside it.
func uts(value string, _ Context) (change, error) {
	return func(s *engine.Spec) {
		s.UTSMode = value
		if value == "host" {
			s.Hostname = ""
		}
	}, nil
}

func userns(value string, _ Context) (change, error) {
	return func(s *engine.Spec) { s.UsernsMode = value }, nil
}

func cgroupns(value string, _ Context) (change, error) {
	if value != "host" && value != "private" {
		return nil, errors.New("want host or private")
	}
	return func(s *engine.Spec) { s.CgroupnsMode = value }, nil
}
