package engine

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/go-connections/sockets"
)

func containsText(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

// stub is an engine that answers only what a test gives it.
type stub struct {
	api     string
	version string
	mux     *http.ServeMux
}

// dialStub serves the stub on a socket and connects to it.
func dialStub(t *testing.T, s stub) (*Client, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "engine.sock")
	listener, err := sockets.NewUnixSocket(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if s.mux == nil {
		s.mux = http.NewServeMux()
	}
	s.mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Api-Version", s.api)
	})
	s.mux.HandleFunc("GET /v"+s.api+"/version", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"Version": s.version})
	})
	server := &http.Server{Handler: s.mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return Dial(t.Context(), Options{Host: "unix://" + path})
}

func mustDialStub(t *testing.T, s stub) *Client {
	t.Helper()
	c, err := dialStub(t, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
