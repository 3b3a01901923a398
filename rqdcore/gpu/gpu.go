// Package gpu runs nvidia-smi for an RQD that cannot run it itself: RQD's image is one static
// binary, and the driver's tools and libraries come into a container only with the engine's
// NVIDIA runtime. So a short-lived container of a frame image runs it.
package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"rqdswarm/internal/engine"
)

// Containers is what a Helper needs of the engine. It models *engine.Client.
type Containers interface {
	Create(ctx context.Context, spec engine.Spec) (id string, warnings []string, err error)
	Start(ctx context.Context, id string) error
	Inspect(ctx context.Context, idOrName string) (engine.Container, error)
	Logs(ctx context.Context, id string, opts engine.LogOptions, take func(engine.LogLine) error) error
	Remove(ctx context.Context, id string, opts engine.RemoveOptions) error
}

// Helper runs a command that needs the graphics cards.
type Helper struct {
	Engine Containers
	Image  string            // Any image with the C library that the driver's tools want: a frame image.
	Labels map[string]string // Of the container, so that it can be told whose it is.
}

const (
	patience = 30 * time.Second
	look     = 100 * time.Millisecond
)

// Run runs the command on the host where it is installed there, else in a container, and
// returns what it printed on its standard output.
func (h Helper) Run(ctx context.Context, command ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if path, err := exec.LookPath(command[0]); err == nil {
		return exec.CommandContext(ctx, path, command[1:]...).Output() // #nosec G204 -- our own query.
	}
	return h.contained(ctx, command)
}

func (h Helper) contained(ctx context.Context, command []string) (_ []byte, err error) {
	id, _, err := h.Engine.Create(ctx, engine.Spec{
		Image: h.Image, Entrypoint: command[:1], Cmd: command[1:], User: "0:0", Labels: h.Labels, DisableHealthcheck: true,
		Privilege:  engine.Privilege{CapDrop: []string{"ALL"}, NoNewPrivileges: true, SecurityOpt: []string{"label=disable"}},
		Namespaces: engine.Namespaces{NetworkMode: "none", UsernsMode: "host"},
		GPUs:       []engine.GPURequest{{Count: -1, Capabilities: []string{"gpu", "utility"}}},
		Log:        engine.LogConfig{Driver: "json-file"},
	})
	if err != nil {
		return nil, fmt.Errorf("create helper of image %s: %w", h.Image, err)
	}
	defer func() {
		removal, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if gone := h.Engine.Remove(removal, id, engine.RemoveOptions{Force: true}); !engine.IsGone(gone) {
			err = errors.Join(err, gone)
		}
	}()
	if err := h.Engine.Start(ctx, id); err != nil {
		return nil, fmt.Errorf("start helper of image %s: %w", h.Image, err)
	}
	code, err := h.wait(ctx, id)
	if err != nil {
		return nil, err
	}
	out, err := h.output(ctx, id)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s in image %s ended with %d", command[0], h.Image, code)
	}
	return out, err
}

func (h Helper) wait(ctx context.Context, id string) (code int, err error) {
	for {
		c, err := h.Engine.Inspect(ctx, id)
		if err != nil {
			return 0, err
		}
		if c.State == engine.StateExited || c.State == engine.StateDead {
			return c.ExitCode, nil
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (h Helper) output(ctx context.Context, id string) ([]byte, error) {
	var out bytes.Buffer
	err := h.Engine.Logs(ctx, id, engine.LogOptions{}, func(l engine.LogLine) error {
		if !l.Stderr {
			out.Write(l.Text)
			out.WriteByte('\n')
		}
		return nil
	})
	return out.Bytes(), err
}
