package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kelseyhightower/envconfig"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/runline"
	"rqdswarm/supervisor/swarm"
)

// leftovers is what removing needs of the engine.
type leftovers interface {
	swarm.Lister
	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string, o engine.RemoveOptions) error
}

// errSupervised keeps us from working against a supervisor.
var errSupervised = errors.New("a supervisor looks after rqd: remove its service or container instead, and it stops rqd")

// remove is the command of that name: an RQD whose supervisor was killed, and never replaced, is stopped and removed.
func remove(ctx context.Context, stdout io.Writer) (int, error) {
	cfg, err := loadSettings()
	if err != nil {
		return 0, &configError{err}
	}
	client, err := dial(ctx)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	self, err := swarm.Find(ctx, client, thisProcess())
	if err != nil {
		return 0, err
	}
	return 0, removeLeft(ctx, cfg, client, leftBy{self: self, out: stdout})
}

// loadSettings reads the name and the grace. There need be no RQD_IMAGE for what is removed.
func loadSettings() (config, error) {
	var s settings
	if err := envconfig.Process("", &s); err != nil {
		return config{}, err
	}
	s.Image = cmp.Or(s.Image, "unused")
	return s.parse()
}

// leftBy says who asks, and where to say what was done.
type leftBy struct {
	self swarm.Self
	out  io.Writer
}

// removeLeft stops and removes all containers of an RQD that no supervisor looks after.
func removeLeft(ctx context.Context, cfg config, e leftovers, by leftBy) error {
	alive, err := swarm.NewPeers(e, by.self, cfg.Name).Alive(ctx)
	if err != nil {
		return err
	}
	if alive {
		return errSupervised
	}
	list, err := e.List(ctx, map[string]string{runline.LabelRQD: cfg.Name})
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range list {
		err := e.Stop(ctx, c.ID, cfg.StopGrace)
		if err == nil || engine.IsGone(err) {
			err = e.Remove(ctx, c.ID, engine.RemoveOptions{})
		}
		if err != nil && !engine.IsGone(err) {
			failed = append(failed, err)
			continue
		}
		fmt.Fprintf(by.out, "removed %s (%.12s, was %s)\n", c.Name, c.ID, c.State)
	}
	if len(list) == 0 {
		fmt.Fprintf(by.out, "no container of %s on this node\n", cfg.Name)
	}
	return errors.Join(failed...)
}
