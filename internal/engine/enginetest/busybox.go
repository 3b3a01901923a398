package enginetest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
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

// Busybox makes sure that the engine has a small image with a shell, made from this machine's static
// busybox without a registry, and returns its reference. The image stays, for the next test.
func Busybox(t testing.TB) string {
	t.Helper()
	rootfs := busyboxRootFS(t)
	sum := sha256.Sum256(rootfs)
	version := hex.EncodeToString(sum[:8])

	unlock := lockFile(t, filepath.Join(os.TempDir(), "rqd-test-busybox.lock"))
	defer unlock()
	c := Dial(t)
	image, err := c.Image(t.Context(), BusyboxReference)
	if err == nil && image.Labels[BusyboxLabel] == version {
		return BusyboxReference
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		t.Fatalf("look for %s: %v", BusyboxReference, err)
	}
	err = c.ImportImage(t.Context(), engine.ImportRequest{
		Reference: BusyboxReference,
		RootFS:    bytes.NewReader(rootfs),
		Changes:   []string{"LABEL " + BusyboxLabel + "=" + version, "ENV PATH=/bin", "ENV " + BusyboxEnv, `CMD ["sh"]`},
	})
	if err != nil {
		t.Fatalf("make %s: %v", BusyboxReference, err)
	}
	return BusyboxReference
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
func busyboxRootFS(t testing.TB) []byte {
	t.Helper()
	program, applets := findBusybox(t)
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	add := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
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
		t.Fatal(err)
	}
	return buf.Bytes()
}

// findBusybox reads the machine's static busybox and the names of its applets.
func findBusybox(t testing.TB) (program []byte, applets []string) {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("integration tests need busybox (Debian: apt-get install busybox-static): %v", err)
	}
	program, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if slices.ContainsFunc(parsed.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Fatalf("%s needs shared libraries; integration tests need a static one (Debian: apt-get install busybox-static)", path)
	}
	list, err := exec.CommandContext(t.Context(), path, "--list").Output()
	if err != nil {
		t.Fatalf("%s --list: %v", path, err)
	}
	applets = slices.DeleteFunc(strings.Fields(string(list)), func(a string) bool { return a == "busybox" })
	return program, applets
}
