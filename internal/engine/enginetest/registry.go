package enginetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"rqdswarm/internal/engine"
)

// RegistryAuth are the credentials that a registry started with RequireAuth wants to see.
func RegistryAuth() *engine.RegistryAuth {
	return &engine.RegistryAuth{Username: "artist", Password: "render-me"}
}

// htpasswdLine is RegistryAuth in the form the registry reads (bcrypt).
const htpasswdLine = "artist:$2a$04$6BydotrG7yKYjbJvTPx8zOQRaNSp6qPHGqCImSwY5ilih8nPDBeze\n"

// RegistryOptions choose how StartRegistry starts one.
type RegistryOptions struct {
	RequireAuth bool
}

// StartRegistry runs an empty registry on a free port of 127.0.0.1, which engines trust without
// TLS, and returns its host and port. It ends with the test. It needs Debian's docker-registry.
func StartRegistry(t testing.TB, o RegistryOptions) string {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Fatalf("this test needs docker-registry (Debian: apt-get install docker-registry): %v", err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: \"127.0.0.1:0\"}\n", dir)
	if o.RequireAuth {
		passwords := filepath.Join(dir, "htpasswd")
		writeFile(t, passwords, htpasswdLine)
		config += fmt.Sprintf("auth: {htpasswd: {realm: test, path: %q}}\n", passwords)
	}
	writeFile(t, filepath.Join(dir, "config.yml"), config)

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "serve", filepath.Join(dir, "config.yml"))
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // It was killed.
	})
	return awaitListening(t, output)
}

// awaitListening reads the registry's log up to the line that names its port, and leaves the rest
// to be thrown away.
func awaitListening(t testing.TB, log io.Reader) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		defer close(found)
		listening := regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, log)
	}()
	select {
	case address, ok := <-found:
		if ok {
			return address
		}
		t.Fatal("docker-registry ended before it listened")
	case <-time.After(30 * time.Second):
		t.Fatal("docker-registry did not listen within 30 s")
	}
	return ""
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
