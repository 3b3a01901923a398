package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rqdswarm/internal/engine"
)

// BusyboxReference is the image that Busybox makes.
const BusyboxReference = "rqd-test-busybox:local"

// What Busybox puts into its image for tests to find.
const (
	BusyboxLabel = "rqd-test.busybox"
	BusyboxEnv   = "RQD_TEST_IMAGE_ENV=of-the-image"
)

// Busybox makes sure that the machine's engine has a small image with a shell, made from this machine's static
// busybox without a registry, and returns its reference. The image stays, for the next test.
func Busybox(t testing.TB) string {
	t.Helper()
	unlock := lockFile(t, filepath.Join(os.TempDir(), "rqd-test-busybox.lock"))
	defer unlock()
	ref, err := BusyboxOn(t.Context(), Dial(t))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// BusyboxOn is Busybox for any engine, such as a Daemon, and outside of tests.
func BusyboxOn(ctx context.Context, c *engine.Client) (string, error) {
	rootfs, err := busyboxRootFS(ctx)
	if err != nil {
		return "", fmt.Errorf("make root file system of %s: %w", BusyboxReference, err)
	}
	sum := sha256.Sum256(rootfs)
	version := hex.EncodeToString(sum[:8])
	image, err := c.Image(ctx, BusyboxReference)
	if err == nil && image.Labels[BusyboxLabel] == version {
		return BusyboxReference, nil
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return "", fmt.Errorf("look for %s: %w", BusyboxReference, err)
	}
	err = c.ImportImage(ctx, engine.ImportRequest{
		Reference: BusyboxReference,
		RootFS:    bytes.NewReader(rootfs),
		Changes:   []string{"LABEL " + BusyboxLabel + "=" + version, "ENV PATH=/bin", "ENV " + BusyboxEnv, `CMD ["sh"]`},
	})
	if err != nil {
		return "", fmt.Errorf("make %s: %w", BusyboxReference, err)
	}
	return BusyboxReference, nil
}

// lockFile keeps test binaries that run side by side from making the image twice.
func lockFile(t testing.TB, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", path, err)
	}
	return func() { _ = f.Close() }
}

// busyboxRootFS is a tar archive, the same in every run: busybox, its applets as links, and the
// directories that containers expect.
func busyboxRootFS(ctx context.Context) ([]byte, error) {
	program, applets, err := findBusybox(ctx)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	add := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		_ = w.WriteHeader(&h) // Into memory; Close tells of a mistake in a header.
		_, _ = w.Write(content)
	}
	for _, dir := range []string{"bin/", "dev/", "etc/", "proc/", "root/", "sys/", "var/"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil)
	add(tar.Header{Typeflag: tar.TypeSymlink, Name: "var/run", Linkname: "/tmp"}, nil)
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0:root:/root:/bin/sh\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644}, []byte("root:x:0:\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, program)
	for _, applet := range applets {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox"}, nil)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// findBusybox reads the machine's static busybox and the names of its applets.
func findBusybox(ctx context.Context) (program []byte, applets []string, err error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, nil, fmt.Errorf("integration tests need busybox (Debian: apt-get install busybox-static): %w", err)
	}
	if program, err = os.ReadFile(path); err != nil {
		return nil, nil, err
	}
	parsed, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if slices.ContainsFunc(parsed.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return nil, nil, fmt.Errorf("%s needs shared libraries; integration tests need a static one (Debian: apt-get install busybox-static)", path)
	}
	list, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("%s --list: %w", path, err)
	}
	applets = slices.DeleteFunc(strings.Fields(string(list)), func(a string) bool { return a == "busybox" })
	return program, applets, nil
}
