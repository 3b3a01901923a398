package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// TestOldImageIsRemoved only when it was asked for, and when no older supervisor could want it back.
func TestOldImageIsRemoved(t *testing.T) {
	for _, asked := range []bool{false, true} {
		t.Run(fmt.Sprintf("asked for %t", asked), func(t *testing.T) {
			bubble(t, func(w *world) {
				removes := func(c *config, _ *dependencies) { c.RemoveOldImage = asked }
				old := w.supervisor(order{image: "rqd:1", change: removes})
				settle(5 * time.Second)
				next := w.supervisor(order{image: "rqd:2", change: removes})
				settle(10 * time.Second)
				w.runs("rqd:2")
				if _, err := w.fake.Image(w.t.Context(), "rqd:1"); err != nil {
					w.t.Errorf("old supervisor lives: want its image kept, have %v", err)
				}
				end(old)
				settle(10 * time.Second)
				if _, err := w.fake.Image(w.t.Context(), "rqd:1"); (err != nil) != asked {
					w.t.Errorf("want the image removed=%t, have %v", asked, err)
				}
				w.runs("rqd:2")
				end(next)
			})
		})
	}
}

// TestImageBehindALogin pulls with the credentials of a docker config.json that the task has.
func TestImageBehindALogin(t *testing.T) {
	bubble(t, func(w *world) {
		w.fake.AddRemote("registry.example.com/rqd:1", enginetest.Remote{
			Auth: &engine.RegistryAuth{Username: "artist", Password: "render-me", ServerAddress: "registry.example.com"},
		})
		root := w.t.TempDir()
		writeFile(w.t, filepath.Join(root, "run/secrets/docker-config.json"), `{"auths":{"registry.example.com":{"auth":"YXJ0aXN0OnJlbmRlci1tZQ=="}}}`)
		w.mu.Lock()
		w.scripts["registry.example.com/rqd:1"] = enginetest.Script{Health: "healthy"}
		w.mu.Unlock()
		m := w.supervisor(order{image: "registry.example.com/rqd:1", root: root})
		settle(5 * time.Second)
		w.runs("registry.example.com/rqd:1")
		end(m)
	})
}

// TestRQDGetsTheLogin has the images of frames behind the same login as RQD's.
func TestRQDGetsTheLogin(t *testing.T) {
	const secret = "/run/secrets/docker-config.json"
	for name, c := range map[string]struct {
		configured string
		files      []string
		want       string // What RQD finds; empty is nothing.
	}{
		"configured":               {configured: "/run/secrets/registry.json", want: `{"auths":{"a":{}}}`},
		"secret of the usual name": {want: `{"auths":{"b":{}}}`},
		"RQD_FILES wins":           {configured: "/run/secrets/registry.json", files: []string{"/etc/other.json:" + secret}, want: `{"auths":{"c":{}}}`},
		"configured and missing":   {configured: "/run/secrets/none.json"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				root := w.t.TempDir()
				writeFile(w.t, filepath.Join(root, "run/secrets/registry.json"), `{"auths":{"a":{}}}`)
				writeFile(w.t, filepath.Join(root, secret), `{"auths":{"b":{}}}`)
				writeFile(w.t, filepath.Join(root, "etc/other.json"), `{"auths":{"c":{}}}`)
				m := w.supervisor(order{image: "rqd:1", root: root, change: func(cfg *config, _ *dependencies) {
					cfg.RegistryConfig, cfg.Files = c.configured, c.files
				}})
				settle(5 * time.Second)
				w.runs("rqd:1")
				if have := string(w.fake.Files("rqd")[secret].Content); have != c.want {
					w.t.Errorf("want %q, have %q", c.want, have)
				}
				end(m)
			})
		})
	}
}
