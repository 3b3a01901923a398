package config

import (
	"slices"
	"time"
)

// options is every key that RQD knows, in the order of the documentation.
func options() []option {
	return slices.Concat(networkKeys(), machineKeys(), frameKeys(), agentKeys(), foreignKeys(), dockerKeys(), dockerRunKeys())
}

func networkKeys() []option {
	key := func(name, meaning string) Key {
		return Key{Section: sectionOverride, Name: name, Meaning: meaning}
	}
	cuebot := key("OVERRIDE_CUEBOT", "Cuebots, `HOST` or `HOST:PORT`, separated by blanks or commas. Wins over the variable CUEBOT_HOSTNAME.")
	cuebot.Default = "`CUEBOT_HOSTNAME`"
	return []option{
		honour(key("RQD_GRPC_PORT", "Port that RQD listens on. Cuebot always calls 8444."),
			number(1, 65535), func(c *Config) *int { return &c.GRPCPort }),
		honour(key("CUEBOT_GRPC_PORT", "Port of those Cuebots that are named without one."),
			number(1, 65535), func(c *Config) *int { return &c.CuebotPort }),
		honour(cuebot, cuebotNames(), func(c *Config) *[]string { return &c.Cuebots }),
		optional(key("OVERRIDE_HOSTNAME", "Name that RQD reports. Cuebot calls back the part before the first dot, at most 45 characters."),
			text(), func(c *Config) *string { return &c.HostName }),
		honour(key("RQD_USE_IP_AS_HOSTNAME", "Report the own IPv4 address as the name."),
			boolean(), func(c *Config) *bool { return &c.UseIPAsHostname }),
		honour(key("RQD_USE_IPV6_AS_HOSTNAME", "Report the own IPv6 address as the name."),
			boolean(), func(c *Config) *bool { return &c.UseIPv6 }),
		optional(key("RQD_NETWORK_INTERFACE", "Interface whose address is the own one, and to which RQD binds its port."),
			text(), func(c *Config) *string { return &c.NetworkInterface }),
	}
}

func machineKeys() []option {
	key := func(name, meaning string) Key {
		return Key{Section: sectionOverride, Name: name, Meaning: meaning}
	}
	return []option{
		optional(key("OVERRIDE_CORES", "Logical CPUs to offer; divided by the threads of a core."),
			number(1, 1<<16), func(c *Config) *int { return &c.OverrideCores }),
		optional(key("OVERRIDE_PROCS", "Sockets to report."),
			number(1, 1<<10), func(c *Config) *int { return &c.OverrideProcs }),
		optional(key("OVERRIDE_MEMORY", "Memory to report."),
			whole("kB", 1, 1<<50), func(c *Config) *int64 { return &c.OverrideMemory }),
		honour(key("LOAD_MODIFIER", "Added to the reported load (100 is one busy core)."),
			number(-1<<20, 1<<20), func(c *Config) *int { return &c.LoadModifier }),
		honour(key("RQD_TAGS", "Tags of the host, separated by blanks; each at most 45 characters."),
			words("list", checkTag), func(c *Config) *[]string { return &c.Tags }),
		honour(key("DEFAULT_FACILITY", "Facility that the host belongs to."),
			text(), func(c *Config) *string { return &c.Facility }),
		honour(key("OVERRIDE_IS_DESKTOP", "The host is somebody's desktop: tag `desktop`, and frames run with a low priority."),
			boolean(), func(c *Config) *bool { return &c.Desktop }),
		honour(key("GPU", "Look for graphics cards. While one is idle, Cuebot books only layers that ask for GPUs here."),
			boolean(), func(c *Config) *bool { return &c.GPU }),
	}
}

func frameKeys() []option {
	key := func(name, meaning string) Key {
		return Key{Section: sectionOverride, Name: name, Meaning: meaning}
	}
	return []option{
		honour(key("LAUNCH_FRAME_USER_GID", "Group of frames that come without one, that is of all of Cuebot's."),
			number(1, 1<<31-1), func(c *Config) *int { return &c.UserGID }),
		honour(key("RQD_USE_PATH_ENV_VAR", "Frames start from RQD's own PATH instead of the usual one."),
			boolean(), func(c *Config) *bool { return &c.UsePathEnvVar }),
		honour(key("RQD_USE_ALL_HOST_ENV_VARS", "Frames get all of RQD's own environment. Without effect when `[UseHostEnvVar]` names variables."),
			boolean(), func(c *Config) *bool { return &c.UseAllHostEnvVars }),
		optional(key("RQD_CUSTOM_HOME_PREFIX", "HOME of a frame is this directory and the user's name."),
			directory(), func(c *Config) *string { return &c.HomePrefix }),
		optional(key("RQD_CUSTOM_MAIL_PREFIX", "MAIL of a frame is this directory and the user's name."),
			directory(), func(c *Config) *string { return &c.MailPrefix }),
		honour(key("RQD_PREPEND_TIMESTAMP", "Begin each line of a frame's output with `[HH:MM:SS] `."),
			boolean(), func(c *Config) *bool { return &c.PrependTimestamp }),
		honour(key("JOB_LOG_MAX_SIZE_IN_BYTES", "A frame whose rqlog grows beyond this is ended; 0 is no limit."),
			limit(), func(c *Config) *int64 { return &c.JobLogMaxSize }),
	}
}

func agentKeys() []option {
	key := func(name, meaning string) Key {
		return Key{Section: sectionOverride, Name: name, Meaning: meaning}
	}
	own := func(name, meaning string) Key {
		k := key(name, meaning)
		k.Environment = name
		return k
	}
	return []option{
		honour(key("CONSOLE_LOG_LEVEL", "What RQD says on its console."),
			level(), func(c *Config) *string { return &c.ConsoleLogLevel }),
		optional(key("FILE_LOG_LEVEL", "What RQD says to syslog at /dev/log."),
			level(), func(c *Config) *string { return &c.FileLogLevel }),
		honour(own("FRAME_LEASE_SECONDS", "How long frames go on without any RQD; then they end as lost. With KILL_GRACE_SECONDS and 40 s for the age of the last report it has to stay below the 300 s after which Cuebot books them elsewhere; 0 is for ever."),
			seconds(7*24*3600), func(c *Config) *time.Duration { return &c.FrameLease }),
		honour(own("KILL_GRACE_SECONDS", "What a killed frame gets between SIGTERM and SIGKILL; above 3 Cuebot may not wait for its end."),
			seconds(60), func(c *Config) *time.Duration { return &c.KillGrace }),
		honour(own("RQD_RUN_DIR", "Directory that RQD shares with the frames, on a volume of its own."),
			directory(), func(c *Config) *string { return &c.RunDir }),
		honour(own("RQD_STATE_DIR", "Directory that outlives RQD: the frames it holds and what it owes to Cuebot."),
			directory(), func(c *Config) *string { return &c.StateDir }),
	}
}

// foreignKeys are the Python RQD's that mean nothing here.
func foreignKeys() []option {
	return []option{
		refuse("OVERRIDE_NIMBY", "There is no nimby: a host in Docker mode is nobody's desktop session.",
			unlessFalse("this RQD has no nimby")),
		refuse("RQD_BECOME_JOB_USER", "Frames always run as the job's user.",
			unlessFalse("frames always run as the job's user, and RQD makes no accounts")),
		refuse("BACKUP_CACHE_PATH", "No longer needed: RQD keeps what it needs in RQD_STATE_DIR.",
			func(value string) string {
				if value == "" {
					return ""
				}
				return "is no longer needed: RQD keeps its frames in RQD_STATE_DIR"
			}),
		ignore("BACKUP_CACHE_TIME_TO_LIVE_SECONDS", "Frames are taken over however long RQD was away."),
		ignore("USE_NIMBY_PYNPUT", "Nimby."),
		ignore("CHECK_INTERVAL_LOCKED", "Nimby."),
		ignore("MINIMUM_IDLE", "Nimby."),
		ignore("RQD_DISPLAY_PATH", "Nimby."),
		ignore("SENTRY_DSN_PATH", "There is no Sentry client."),
		ignore("SP_OS", "The keys of `[docker.images]` are reported."),
	}
}
