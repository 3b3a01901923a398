package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

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
	l := &loader{cfg: defaults(), env: environment(src.Environ)}
	content, err := l.open(src)
	if err != nil {
		return nil, nil, err
	}
	l.parse(content)
	if len(l.errs) > 0 {
		return nil, l.warnings, errors.Join(l.errs...)
	}
	return l.cfg, l.warnings, nil
}

// defaults is the configuration of an empty file.
func defaults() *Config {
	return &Config{
		GRPCPort:        8444,
		CuebotPort:      8443,
		UseIPAsHostname: true,
		Facility:        "cloud",
		UserGID:         20,
		ConsoleLogLevel: "WARNING",
		JobLogMaxSize:   1 << 30,
		FrameLease:      240 * time.Second,
		KillGrace:       2 * time.Second,
		RunDir:          "/run/rqd",
		StateDir:        "/var/lib/rqd",
		TempDir:         "/tmp",
		Docker:          Docker{ShellPath: "/bin/sh", NetworkMode: "host", MinFreeSpace: 1 << 30},
	}
}

// environment is the last value of each variable.
func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	return env
}

// loader collects what Load finds.
type loader struct {
	cfg      *Config
	env      map[string]string
	file     *ini
	warnings []Warning
	errs     []error
}

// open reads the file. One that was named has to exist: a typing mistake must not turn into defaults.
func (l *loader) open(src Source) ([]byte, error) {
	named, origin := src.Path, "-c"
	if named == "" {
		named, origin = l.env[variableConfig], variableConfig
	}
	path := cmp.Or(named, src.DefaultPath, DefaultPath)
	content, err := os.ReadFile(path) // #nosec G304 -- the administrator names it.
	if named == "" {
		origin = "the default"
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err != nil {
		return nil, &Error{Place{File: path}, fmt.Sprintf("configuration cannot be read (%s): %v", origin, cause(err))}
	}
	l.cfg.Path = path
	return content, nil
}

// parse reads the text of the file, then the environment, and goes on after every mistake.
func (l *loader) parse(content []byte) {
	parsed, errs := parseINI(l.cfg.Path, content)
	l.file = parsed
	for _, e := range errs {
		l.errs = append(l.errs, e)
	}
	l.checkSections()
	l.readOptions()
	l.readHostEnv()
	l.readImages()
	l.readMounts()
	l.readEnvironment()
	l.settle()
}

// cause is what the system says of a file, without the name that is said already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (l *loader) fail(p Place, format string, args ...any) {
	l.errs = append(l.errs, &Error{p, fmt.Sprintf(format, args...)})
}

func (l *loader) warn(p Place, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{p, fmt.Sprintf(format, args...)})
}

// place is where an entry stands.
func (l *loader) place(e entry) Place {
	return Place{File: l.cfg.Path, Line: e.Line, Section: e.Home, Key: e.Key}
}

// leak explains an error in a key of DEFAULT, which nobody expects to count as an image or a mount.
func leak(e entry, section string) string {
	if e.Home != defaultSection || section == defaultSection {
		return ""
	}
	return fmt.Sprintf(" (a key of [DEFAULT] counts in every section, so in [%s] too)", section)
}

// checkSections refuses a section whose name is nearly one of RQD's: its keys would be lost. Others are a studio's own.
func (l *loader) checkSections() {
	known := sections()
	for _, s := range l.file.Sections {
		place := Place{File: l.cfg.Path, Line: s.Line, Section: s.Name}
		near := nearest(s.Name, known)
		switch {
		case slices.Contains(known, s.Name):
		case near != "":
			l.fail(place, "is not a section of rqd.conf, perhaps [%s] is meant; want one of [%s]", near, strings.Join(known, "], ["))
		default:
			l.warn(place, "is not a section that RQD knows and has no effect; it knows [%s]", strings.Join(known, "], ["))
		}
	}
}

// readOptions reads [Override] and [docker.config].
func (l *loader) readOptions() {
	known := make(map[[2]string]option)
	for _, o := range options() {
		known[[2]string{o.Section, o.Name}] = o
	}
	for _, section := range []string{sectionOverride, sectionDocker} {
		for _, e := range l.file.entries(section) {
			if o, ok := known[[2]string{section, e.Key}]; ok {
				l.apply(o, e)
			} else if e.Home != defaultSection {
				l.unknown(e, section)
			}
		}
	}
	for _, e := range l.file.Defaults.Entries {
		_, override := known[[2]string{sectionOverride, e.Key}]
		_, docker := known[[2]string{sectionDocker, e.Key}]
		if !override && !docker {
			l.unknown(e, defaultSection)
		}
	}
}

func (l *loader) apply(o option, e entry) {
	switch {
	case o.Relevance == Ignored:
	case o.Relevance == Warned:
		if text := o.warn(e.Value); text != "" {
			l.warn(l.place(e), "%s", text)
		}
	case e.Bare:
		l.fail(l.place(e), "has no value%s", leak(e, o.Section))
	default:
		if err := o.set(l.cfg, e.Value); err != nil {
			l.fail(l.place(e), "%q: %v%s", e.Value, err, leak(e, o.Section))
		}
	}
}

// unknown warns of a key, with the one that was perhaps meant.
func (l *loader) unknown(e entry, section string) {
	var names []string
	for _, o := range options() {
		if o.Name == e.Key {
			l.warn(l.place(e), "has no effect here; want it in [%s]", o.Section)
			return
		}
		if o.Section == section || section == defaultSection {
			names = append(names, o.Name)
		}
	}
	hint := ""
	if near := nearest(e.Key, names); near != "" {
		hint = ", perhaps " + near + " is meant"
	}
	l.warn(l.place(e), "is not a key that RQD knows and has no effect%s", hint)
}

// readEnvironment lets the variables of the environment win over the file. An empty one is not set: compose files hand
// variables on in that way.
func (l *loader) readEnvironment() {
	for _, o := range options() {
		text := strings.TrimSpace(l.env[o.Environment])
		if o.Environment == "" || text == "" {
			continue
		}
		if err := o.set(l.cfg, text); err != nil {
			l.fail(Place{Key: o.Environment}, "%q: %v", text, err)
		}
	}
}
