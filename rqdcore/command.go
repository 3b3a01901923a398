package main

import (
	"fmt"
	"slices"
	"strings"
)

const usage = `usage: rqdcore [command] [-c FILE]

Without a command rqdcore serves as RQD until SIGTERM or SIGINT. Frames go on then, and the
next rqdcore adopts them.

commands:
  check     validate the configuration, print what is in effect
  health    exit 0 if the RQD of this configuration answers on its port
  version   print the version that is reported to Cuebot
  help      print this

options:
  -c FILE   read FILE instead of $RQD_CONFIG_FILE or /etc/opencue/rqd.conf
`

// command is the parsed command line.
type command struct {
	name     string // One of commands, or empty to serve.
	config   string
	warnings []string
}

var commands = []string{"check", "health", "version", "help"}

// parseCommand understands the Python RQD's command line as well, so that its start scripts go on working.
func parseCommand(args []string) (command, error) {
	var c command
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "-h" || arg == "--help":
			c.name = "help"
		case arg == "-c":
			if len(args) == 0 {
				return c, fmt.Errorf("%w: -c needs the path of a configuration file", errUsage)
			}
			c.config, args = args[0], args[1:]
		case strings.HasPrefix(arg, "-c"):
			c.config = arg[len("-c"):]
		case arg == "-d" || arg == "--daemon":
			c.warnings = append(c.warnings, arg+" is ignored: RQD stays in the foreground, its supervisor or systemd keeps it in the background")
		case arg == "--nimbyoff" || arg == "--update":
			// The Python RQD's; there is no nimby here to turn off, and nothing was ever updated.
		case slices.Contains(commands, arg) && c.name == "":
			c.name = arg
		default:
			return c, fmt.Errorf("%w: unknown argument %q\n%s", errUsage, arg, usage)
		}
	}
	return c, nil
}
