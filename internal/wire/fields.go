package wire

// The fields of every message, once for both directions. Their names are those of the json
// tags; a test holds the two together.

func (m *Message) fields(c *codec) {
	pointer(c, "hello", &m.Hello, (*Hello).fields)
	pointer(c, "started", &m.Started, (*Started).fields)
	pointer(c, "figures", &m.Figures, (*Figures).fields)
	pointer(c, "need_log", &m.NeedLog, (*NeedLog).fields)
	pointer(c, "exit", &m.Exit, (*Exit).fields)
	pointer(c, "order", &m.Order, (*Order).fields)
	pointer(c, "log", &m.Log, (*Log).fields)
	pointer(c, "kill", &m.Kill, (*Kill).fields)
	pointer(c, "ack", &m.Ack, (*Ack).fields)
	pointer(c, "alive", &m.Alive, (*Alive).fields)
}

func (h *Hello) fields(c *codec) {
	number(c, "version", &h.Version)
	number(c, "oldest", &h.Oldest)
	text(c, "token", &h.Token)
	text(c, "build", &h.Build)
	text(c, "phase", &h.Phase)
	pointer(c, "started", &h.Started, (*Started).fields)
	pointer(c, "figures", &h.Figures, (*Figures).fields)
	pointer(c, "exit", &h.Exit, (*Exit).fields)
}

func (o *Order) fields(c *codec) {
	text(c, "image", &o.Image)
	text(c, "shell", &o.Shell)
	text(c, "command", &o.Command)
	texts(c, "environment", &o.Environment)
	text(c, "working_dir", &o.WorkingDir)
	text(c, "user_name", &o.UserName)
	number(c, "uid", &o.UID)
	number(c, "gid", &o.GID)
	list(c, "groups", &o.Groups, (*codec).integer)
	bits(c, "capabilities", &o.Capabilities)
	text(c, "home", &o.Home)
	number(c, "nice", &o.Nice)
	flag(c, "timestamps", &o.Timestamps)
	value(c, "zone", &o.Zone, (*Zone).fields)
	text(c, "log_path", &o.LogPath)
	number(c, "log_max_bytes", &o.LogMaxBytes)
	number(c, "log_bytes", &o.LogBytes)
	number(c, "lease_seconds", &o.LeaseSeconds)
	number(c, "kill_grace_millis", &o.KillGraceMillis)
	number(c, "figures_millis", &o.FiguresMillis)
}

func (z *Zone) fields(c *codec) {
	number(c, "offset", &z.Offset)
	number(c, "until", &z.Until)
	number(c, "next", &z.Next)
}

func (s *Started) fields(c *codec) {
	number(c, "pid", &s.PID)
	number(c, "unix_millis", &s.UnixMillis)
}

func (f *Figures) fields(c *codec) {
	number(c, "rss", &f.RSS)
	number(c, "max_rss", &f.MaxRSS)
	number(c, "vsize", &f.VSize)
	number(c, "max_vsize", &f.MaxVSize)
	number(c, "swap", &f.Swap)
	number(c, "user_millis", &f.UserMillis)
	number(c, "system_millis", &f.SystemMillis)
	number(c, "oom_kills", &f.OOMKills)
	number(c, "log_bytes", &f.LogBytes)
	number(c, "log_lost", &f.LogLost)
	list(c, "processes", &f.Processes, (*codec).process)
}

func (c *codec) process(p *Process) { c.object(func() { p.fields(c) }) }

func (p *Process) fields(c *codec) {
	number(c, "pid", &p.PID)
	text(c, "name", &p.Name)
	text(c, "state", &p.State)
	number(c, "rss", &p.RSS)
	number(c, "vsize", &p.VSize)
	text(c, "cmdline", &p.Cmdline)
	number(c, "unix_millis", &p.UnixMillis)
}

func (n *NeedLog) fields(c *codec) { text(c, "reason", &n.Reason) }

func (e *Exit) fields(c *codec) {
	text(c, "cause", &e.Cause)
	number(c, "code", &e.Code)
	number(c, "signal", &e.Signal)
	text(c, "detail", &e.Detail)
	number(c, "unix_millis", &e.UnixMillis)
	number(c, "run_millis", &e.RunMillis)
	value(c, "figures", &e.Figures, (*Figures).fields)
}

func (l *Log) fields(c *codec) { number(c, "log_bytes", &l.LogBytes) }

func (k *Kill) fields(c *codec) { number(c, "grace_millis", &k.GraceMillis) }

func (*Ack) fields(*codec) {}

func (*Alive) fields(*codec) {}
