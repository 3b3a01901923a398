package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"rqdswarm/internal/engine"
)

// floor makes the containers of frames with nothing of ours in them: the same image, network, limits, user and log driver.
type floor struct {
	engine *engine.Client
	waits  *http.Client
	image  string
	mount  engine.Mount
	count  atomic.Int64
}

func newFloor(client *engine.Client, image string) *floor {
	socket := strings.TrimPrefix(client.Host(), "unix://")
	return &floor{
		engine: client, image: image,
		mount: engine.Mount{Type: engine.MountBind, Source: sharedDir, Target: sharedDir},
		waits: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
			MaxIdleConnsPerHost: 64,
		}},
	}
}

func (f *floor) spec(command string) engine.Spec {
	return engine.Spec{
		Name: fmt.Sprintf("rqd-bench-floor-%d-%d", time.Now().UnixNano(), f.count.Add(1)), Image: f.image,
		User: fmt.Sprintf("%d:%d", artistUID, artistGID), Entrypoint: []string{"/bin/sh", "-c", command}, Labels: map[string]string{benchLabel: "floor"},
		DisableHealthcheck: true, Mounts: []engine.Mount{f.mount},
		Privilege:  engine.Privilege{CapDrop: []string{"ALL"}, NoNewPrivileges: true, SecurityOpt: []string{"label=disable"}},
		Namespaces: engine.Namespaces{NetworkMode: "host", UsernsMode: "host"},
		Limits:     engine.Limits{Memory: frameMemory, MemoryReservation: frameMemory / 2, ShmSize: frameMemory, OOMScoreAdj: 500},
		Log:        engine.LogConfig{Driver: "json-file", Options: map[string]string{"max-size": "1m", "max-file": "1"}},
	}
}

// bare is one run on the floor.
type bare struct {
	sent, ended, removed time.Time
}

// run creates, starts, waits and removes, as tightly as the engine's interface allows.
func (f *floor) run(ctx context.Context, command string) (bare, error) {
	b := bare{sent: time.Now()}
	id, _, err := f.engine.Create(ctx, f.spec(command))
	if err != nil {
		return bare{}, err
	}
	ended, err := f.wait(ctx, id)
	if err == nil {
		err = f.engine.Start(ctx, id)
	}
	if err == nil {
		err = <-ended
	}
	b.ended = time.Now()
	if err != nil {
		_ = f.engine.Remove(ctx, id, engine.RemoveOptions{Force: true}) // The first error says it all.
		return bare{}, err
	}
	err = f.engine.Remove(ctx, id, engine.RemoveOptions{})
	b.removed = time.Now()
	return b, err
}

// wait is ContainerWait, which internal/engine does not need and so does not have. It returns when the engine has taken
// the request, so that an exit after that is not missed.
func (f *floor) wait(ctx context.Context, id string) (<-chan error, error) {
	url := "http://engine/v" + engine.MinAPIVersion + "/containers/" + id + "/wait?condition=next-exit"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := f.waits.Do(req) //nolint:bodyclose // readExit closes it.
	if err != nil {
		return nil, fmt.Errorf("wait for container: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("wait for container: %s", resp.Status)
	}
	done := make(chan error, 1)
	go func() { done <- readExit(resp) }()
	return done, nil
}

// readExit reads the engine's answer to a wait.
func readExit(resp *http.Response) error {
	defer resp.Body.Close()
	var exit struct{ StatusCode int }
	if err := json.NewDecoder(resp.Body).Decode(&exit); err != nil {
		return fmt.Errorf("wait for container: %w", err)
	}
	if exit.StatusCode != 0 {
		return fmt.Errorf("%w: container ended with status %d", errFrame, exit.StatusCode)
	}
	return nil
}
