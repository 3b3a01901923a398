//go:build integration

package enginetest_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

func TestDockerKeepsTheContract(t *testing.T) {
	t.Parallel()
	enginetest.Contract(t, func(t *testing.T, behaviour func(*testing.T, enginetest.Subject)) {
		behaviour(t, dockerSubject(t))
	})
}

func dockerSubject(t *testing.T) enginetest.Subject {
	c := enginetest.Dial(t)
	return enginetest.Subject{
		Engine:       c,
		Image:        enginetest.Busybox(t),
		Offer:        func(t *testing.T, auth *engine.RegistryAuth) string { return offer(t, c, auth) },
		DeadRegistry: deadAddress(t) + "/rqd-test:1",
	}
}

// offer pushes an image that no other test has into a registry of the test's own.
func offer(t *testing.T, c *engine.Client, auth *engine.RegistryAuth) string {
	t.Helper()
	ref := enginetest.StartRegistry(t, enginetest.RegistryOptions{RequireAuth: auth != nil}) + "/rqd-test:1"
	err := c.ImportImage(t.Context(), engine.ImportRequest{
		Reference: ref,
		RootFS:    bytes.NewReader(oneFile(t)),
		Changes:   []string{"LABEL offered=" + rand.Text()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := c.RemoveImage(context.WithoutCancel(t.Context()), ref)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			t.Error(err)
		}
	})
	if err := c.PushImage(t.Context(), ref, auth); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveImage(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	return ref
}

func oneFile(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	content := strings.Repeat(rand.Text(), 1000)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "file", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// deadAddress is a port of this machine that nobody listens on.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}
