package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// helperTime bounds a helper; some ask a cloud's service.
const helperTime = 30 * time.Second

// errNoHelper means that a helper's program is not in our image.
var errNoHelper = errors.New("registry: no such credential helper")

// tokenUser is what helpers call the user of an identity token.
const tokenUser = "<token>"

// askHelper runs docker-credential-NAME as docker does: the address on its input, JSON on its output. nil is that it
// has no credentials for it.
func askHelper(ctx context.Context, name, address string) (*engine.RegistryAuth, error) {
	program := "docker-credential-" + name
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not in this image", errNoHelper, program)
	}
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "get")
	cmd.Stdin = strings.NewReader(address)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	said := strings.TrimSpace(string(out) + stderr.String())
	if err != nil && strings.Contains(said, "credentials not found") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("run %s for %s: %w: %s", program, address, err, said)
	}
	var answer struct{ ServerURL, Username, Secret string }
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("read %s's answer for %s: %w", program, address, err)
	}
	if answer.Username == tokenUser {
		return &engine.RegistryAuth{IdentityToken: answer.Secret, ServerAddress: address}, nil
	}
	return &engine.RegistryAuth{Username: answer.Username, Password: answer.Secret, ServerAddress: address}, nil
}
