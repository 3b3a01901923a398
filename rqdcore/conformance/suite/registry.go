package suite

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// slowRegistry is a registry that lets every pull wait, and then has nothing.
type slowRegistry struct{ address string }

// slowOS is the system whose image the slow registry has.
const slowOS = "slow"

// slowImages are the usual image and one that takes its time.
func slowImages(delay func(*Stage) time.Duration) func(*Stage) []ImageKey {
	return func(s *Stage) []ImageKey {
		wait := delay(s)
		s.slow.address = s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" { // The engine asks whether this is a registry, and waits 15 s for that at most.
				return
			}
			select {
			case <-time.After(wait):
			case <-r.Context().Done():
			}
			http.NotFound(w, r)
		}))
		return append(s.suite.opts.Images[:1:1], ImageKey{slowOS, s.slow.address + "/slow/image:1"})
	}
}

// serve serves HTTP on a port of its own until the check is over.
func (s *Stage) serve(h http.Handler) (address string) {
	address = s.suite.ports.free()
	l, err := net.Listen("tcp", address)
	if err != nil {
		s.Fatalf("listen: %v", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: callTime}
	go func() { _ = server.Serve(l) }() // Until Close.
	s.mu.Lock()
	s.servers[address] = server
	s.mu.Unlock()
	s.Cleanup(func() { s.stopServing(address) })
	return address
}

// stopServing closes a port that serve opened.
func (s *Stage) stopServing(address string) {
	s.mu.Lock()
	server := s.servers[address]
	s.mu.Unlock()
	_ = server.Close() // Twice is as good as once.
}

// registry serves one image of one layer under any name and tag.
type registry struct {
	manifest []byte
	blobs    map[string][]byte // By digest.
}

// newRegistry makes an image whose only program is busybox, with a variable by which it is known.
func newRegistry(busybox []byte, variable string) (*registry, error) {
	var rootfs bytes.Buffer
	w := tar.NewWriter(&rootfs)
	add := func(h tar.Header, content []byte) error {
		h.Size = int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	for _, dir := range []string{"bin/", "tmp/", "etc/"} {
		if err := add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o777}, nil); err != nil {
			return nil, err
		}
	}
	if err := add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, busybox); err != nil {
		return nil, err
	}
	for _, applet := range []string{"sh", "env", "id", "sleep", "cat"} {
		if err := add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox"}, nil); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packImage(rootfs.Bytes(), variable)
}

func packImage(rootfs []byte, variable string) (*registry, error) {
	var layer bytes.Buffer
	z := gzip.NewWriter(&layer)
	if _, err := z.Write(rootfs); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux",
		"config": map[string]any{"Env": []string{"PATH=/bin", variable}, "Cmd": []string{"sh"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{digestOf(rootfs)}},
	})
	if err != nil {
		return nil, err
	}
	const kind = "application/vnd.docker."
	part := func(media string, content []byte) map[string]any {
		return map[string]any{"mediaType": kind + media, "size": len(content), "digest": digestOf(content)}
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": kind + "distribution.manifest.v2+json",
		"config": part("container.image.v1+json", config),
		"layers": []any{part("image.rootfs.diff.tar.gzip", layer.Bytes())},
	})
	if err != nil {
		return nil, err
	}
	return &registry{manifest: manifest, blobs: map[string][]byte{
		digestOf(config): config, digestOf(layer.Bytes()): layer.Bytes(),
	}}, nil
}

func (r *registry) digest() string { return digestOf(r.manifest) }

// ServeHTTP is the part of the registry API that a pull needs.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := req.URL.Path
	last := path[strings.LastIndex(path, "/")+1:]
	switch {
	case path == "/v2/":
	case strings.Contains(path, "/manifests/"):
		w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
		w.Header().Set("Docker-Content-Digest", r.digest())
		w.Header().Set("Content-Length", fmt.Sprint(len(r.manifest)))
		if req.Method != http.MethodHead {
			_, _ = w.Write(r.manifest) // Who does not read it does not get it.
		}
	case r.blobs[last] != nil:
		http.ServeContent(w, req, "", time.Time{}, io.NewSectionReader(bytes.NewReader(r.blobs[last]), 0, int64(len(r.blobs[last]))))
	default:
		http.NotFound(w, req)
	}
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
