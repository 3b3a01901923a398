package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"rqdswarm/internal/engine"
)

// proxy stands before the engine for the Python RQD, which is measured as it is published. It knows two things: an
// image that is here needs no registry, where the Python RQD insists on pulling it at every start; and on a
// host that refuses privileged containers its frames are created without, which can only make them faster.
type proxy struct {
	listener net.Listener
	server   *http.Server
}

var (
	pullPath   = regexp.MustCompile(`^(/v[0-9.]+)?/images/create$`)
	createPath = regexp.MustCompile(`^(/v[0-9.]+)?/containers/create$`)
	logsPath   = regexp.MustCompile(`^(/v[0-9.]+)?/containers/[^/]+/logs$`)
)

func newProxy(ctx context.Context, dir string, client *engine.Client) (*proxy, error) {
	socket := strings.TrimPrefix(client.Host(), "unix://")
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", filepath.Join(dir, "engine.sock"))
	if err != nil {
		return nil, fmt.Errorf("listen for the Python RQD: %w", err)
	}
	relay := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
			MaxIdleConnsPerHost: 512, DisableCompression: true,
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // A client that goes away in the middle of a stream.
	}
	mux := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case pullPath.MatchString(r.URL.Path):
			_, _ = io.WriteString(w, `{"status":"Image is up to date"}`+"\n")
			return
		case createPath.MatchString(r.URL.Path):
			if err := unprivileged(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		case logsPath.MatchString(r.URL.Path):
			splice(w, r, socket)
			return
		}
		relay.ServeHTTP(w, r)
	})
	p := &proxy{listener: listener, server: &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}}
	go func() { _ = p.server.Serve(listener) }() // It ends with close.
	return p, nil
}

// splice joins the caller to the engine for one answer, so that its bytes do not pass through this process.
func splice(w http.ResponseWriter, r *http.Request, socket string) {
	engine, err := new(net.Dialer).DialContext(r.Context(), "unix", socket)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer engine.Close()
	r.Close = true // The next call of this caller goes through us again.
	if err := r.Write(engine); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	caller, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer caller.Close()
	_, _ = io.Copy(caller, engine) // Either side may go away in the middle of a stream.
}

func (p *proxy) address() string { return "unix://" + p.listener.Addr().String() }

func (p *proxy) close() error { return p.server.Close() }

// unprivileged takes the privilege out of an order for a container, and leaves our label, so that none stays behind.
func unprivileged(r *http.Request) error {
	body := map[string]any{}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		return err
	}
	if host, ok := body["HostConfig"].(map[string]any); ok {
		host["Privileged"] = false
	}
	body["Labels"] = map[string]string{benchLabel: "python"}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	r.Header.Set("Content-Length", fmt.Sprint(len(text)))
	return nil
}
