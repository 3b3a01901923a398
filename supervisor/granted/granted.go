// Package granted asks a host which capabilities its containers can have, in one start of a container.
//
// A privileged container gets what the engine has, and no more. So a container of our own image, which is here since
// we run from it, looks at the bounding set of what started it: the engine's shim.
package granted

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rqdswarm/internal/capability"
	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/swarm"
)

// Command is the supervisor's sub-command that runs in the container.
const Command = "capabilities"

// errNoImage means that we run from no image: somebody runs the supervisor bare.
var errNoImage = errors.New("granted: not in a container of this engine")

// Engine is what asking needs of the engine.
type Engine interface {
	engine.Starter
	Logs(ctx context.Context, id string, o engine.LogOptions, deliver func(engine.LogLine) error) error
}

// Ask runs the command in a container of self's image, in the host's pid namespace, and returns what the engine has.
func Ask(ctx context.Context, e Engine, self swarm.Self) (capabilities []string, err error) {
	if !self.InContainer() {
		return nil, errNoImage
	}
	id, _, err := e.Create(ctx, spec(self.Container.ImageID))
	if err != nil {
		return nil, fmt.Errorf("ask for capabilities: %w", err)
	}
	defer func() {
		removeErr := e.Remove(context.WithoutCancel(ctx), id, engine.RemoveOptions{Force: true})
		if removeErr != nil && !engine.IsGone(removeErr) {
			err = errors.Join(err, removeErr)
		}
	}()
	if err := e.Start(ctx, id); err != nil {
		return nil, fmt.Errorf("ask for capabilities: %w", err)
	}
	var output []string
	err = e.Logs(ctx, id, engine.LogOptions{Follow: true}, func(line engine.LogLine) error {
		output = append(output, string(line.Text))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask for capabilities: %w", err)
	}
	set, err := strconv.ParseUint(strings.Join(output, "\n"), 16, 64)
	if err != nil {
		return nil, fmt.Errorf("ask for capabilities: want a hexadecimal set, have %q", output)
	}
	return capability.Of(set), nil
}

// spec is the asking container. Its role is not the image's: nobody may take it for a supervisor.
func spec(image string) engine.Spec {
	return engine.Spec{
		Image: image, Cmd: []string{Command}, DisableHealthcheck: true,
		Labels:     map[string]string{swarm.RoleLabel: Command},
		Namespaces: engine.Namespaces{PIDMode: "host", UsernsMode: "host", NetworkMode: "none"},
		Log:        engine.LogConfig{Driver: "json-file"},
	}
}

// Print writes the bounding set of the process that started this one, as /proc below root shows it.
func Print(w io.Writer, root string, parent int) error {
	path := filepath.Join("proc", strconv.Itoa(parent), "status")
	status, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return fmt.Errorf("read bounding set: %w; want to run in the host's pid namespace", err)
	}
	for line := range strings.Lines(string(status)) {
		if set, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			_, err := fmt.Fprintln(w, strings.TrimSpace(set))
			return err
		}
	}
	return fmt.Errorf("read bounding set: /%s has no CapBnd", path)
}
