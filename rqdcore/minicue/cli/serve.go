package cli

import (
	"context"
	"fmt"

	"rqdswarm/internal/logging"
	"rqdswarm/rqdcore/minicue/farm"
	"rqdswarm/rqdcore/minicue/server"
)

type serveCmd struct {
	Listen    string            `help:"Where RQDs report (default ${default})." default:":8443" placeholder:"ADDRESS"`
	Control   string            `help:"Where the other minicue commands ask. Whoever reaches it can run commands on the hosts (default ${default})." default:"127.0.0.1:8442" placeholder:"ADDRESS" env:"MINICUE_CONTROL"`
	RQDPort   int               `help:"Port of RQD on every host (default ${default})." name:"rqd-port" default:"8444" placeholder:"PORT"`
	Resolve   map[string]string `help:"Address of a host whose name means nothing here. May be repeated." mapsep:"none" placeholder:"HOST=ADDRESS"`
	LogRoot   string            `help:"Where rqlogs go of jobs that do not say (default ${default})." default:"/tmp/minicue/logs" placeholder:"DIR"`
	ObeyLoad  bool              `help:"Book less on hosts with a high load, as Cuebot does."`
	LogLevel  string            `help:"Level of the log on stderr (default ${default})." default:"info" placeholder:"LEVEL"`
	LogFormat string            `help:"Format of the log: text or json (default ${default})." default:"text" placeholder:"FORMAT"`
}

// Run serves until a signal.
func (c *serveCmd) Run(ctx context.Context, env *Env) error {
	log, err := logging.New(env.Stderr, c.LogLevel, logging.Format(c.LogFormat))
	if err != nil {
		return usage(err)
	}
	if c.RQDPort < 1 || c.RQDPort > 65535 {
		return usage(fmt.Errorf("--rqd-port %d: want 1 to 65535", c.RQDPort))
	}
	s, err := server.New(server.Config{
		Listen: c.Listen, Control: c.Control, RQDPort: c.RQDPort, Resolve: c.Resolve, Log: log,
		Farm: farm.Config{LogRoot: c.LogRoot, ObeyLoad: c.ObeyLoad},
	})
	if err != nil {
		return err
	}
	e := log.Info().Stringer("rqds", s.Addr())
	if s.ControlAddr() != nil {
		e = e.Stringer("control", s.ControlAddr())
	}
	e.Msg("minicue ready")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case sig := <-env.Signals:
			log.Info().Stringer("signal", sig).Msg("minicue stopping")
			cancel()
		case <-ctx.Done():
		}
	}()
	return s.Run(ctx)
}
