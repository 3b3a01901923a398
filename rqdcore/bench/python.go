package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// pythonVersion and dockerVersion pin the peer.
	pythonVersion = "opencue-rqd==1.37.0"
	dockerVersion = "docker==7.2.0" // What its Docker mode needs and its package does not name.
)

// errNoPeer is why the Python RQD is not measured.
var errNoPeer = errors.New("no peer")

// installPython makes a virtual environment with the Python RQD, once, and returns its interpreter.
func installPython(ctx context.Context, venv string) (string, error) {
	python := filepath.Join(venv, "bin", "python")
	if exec.CommandContext(ctx, python, "-c", "import rqd, docker").Run() == nil { // #nosec G204 -- our own cache.
		return filepath.Abs(python)
	}
	for _, args := range [][]string{
		{"python3", "-m", "venv", "--clear", venv},
		{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", pythonVersion, dockerVersion},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil { // #nosec G204 -- fixed commands.
			return "", fmt.Errorf("%w: %s: %w\n%s", errNoPeer, strings.Join(args, " "), err, lastLines(out, 5))
		}
	}
	return filepath.Abs(python)
}

// peerImage gives the frames' image the GNU time that the Python RQD's wrapper calls; it is the image of all subjects.
func peerImage(ctx context.Context, base string) (string, error) {
	dir, err := os.MkdirTemp("", "rqd-bench-image-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	text, err := os.ReadFile("/usr/bin/time")
	if err != nil {
		return "", fmt.Errorf("%w: its frames need GNU time, and this machine has none to put into their image: apt-get install time", errNoPeer)
	}
	if err := os.WriteFile(filepath.Join(dir, "time"), text, 0o755); err != nil { // #nosec G306 -- a program.
		return "", err
	}
	image := "rqd-bench-frame:local"
	return image, buildImage(ctx, image, dir, "FROM "+base+"\nCOPY time /usr/bin/time\n")
}

// buildImage builds an image with the docker command, which is what can.
func buildImage(ctx context.Context, image, dir, dockerfile string) error {
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, []byte(dockerfile), privateFile); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "docker", "build", "--quiet", "--tag", image, "--label", benchLabel+"=image", dir) // #nosec G204 -- our own Dockerfile.
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", image, err, lastLines(out, 5))
	}
	return nil
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
