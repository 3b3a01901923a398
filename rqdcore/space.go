package main

import (
	"context"
	"sync/atomic"
	"time"

	"rqdswarm/internal/engine"
	"rqdswarm/rqdcore/config"
	"rqdswarm/rqdcore/runner"
	"rqdswarm/rqdcore/self"
)

// infoRetry is how often an engine that did not say where it keeps containers is asked again.
const infoRetry = 10 * time.Second

// space is where the engine keeps containers. In a container RQD does not see the engine's data
// root, but its run directory is a volume, which lies there. On a bare host the engine is asked,
// beside everything else: while an image is pulled it may take a minute to answer this one question.
type space struct {
	docker *engine.Client
	floor  int64
	dir    atomic.Pointer[string] // nil until it is known.
}

func newSpace(place self.Place, cfg *config.Config, docker *engine.Client) *space {
	s := &space{docker: docker, floor: cfg.Docker.MinFreeSpace}
	if !place.Bare() {
		s.dir.Store(&cfg.RunDir)
	}
	return s
}

// now is what is known; as long as that is nothing, nobody is refused.
func (s *space) now() runner.Space {
	if dir := s.dir.Load(); dir != nil {
		return runner.Space{Dir: *dir, Floor: s.floor}
	}
	return runner.Space{}
}

// run asks until there is an answer, then waits for the end.
func (s *space) run(ctx context.Context) error {
	for s.dir.Load() == nil && ctx.Err() == nil {
		if info, err := s.docker.Info(ctx); err == nil {
			s.dir.Store(&info.DataRoot)
			break
		}
		select {
		case <-time.After(infoRetry):
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	return nil
}
