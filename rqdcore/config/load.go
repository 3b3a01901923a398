package config

import "errors"

// DefaultPath is the file that is read when none is named.
const DefaultPath = "/etc/opencue/rqd.conf"

// Source is where the configuration comes from.
type Source struct {
	Path        string   // The argument of -c; empty when there was none.
	Environ     []string // NAME=value.
	DefaultPath string   // Stands in for DefaultPath when not empty.
}

// Load reads the configuration: the file named by -c, else by RQD_CONFIG_FILE, else
// DefaultPath, which alone may be missing. The error joins one *Error for each mistake found;
// with an error there is no Config.
func Load(src Source) (*Config, []Warning, error) {
	return nil, nil, errors.ErrUnsupported
}
