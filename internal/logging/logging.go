// Package logging makes the one logger of a program from its configuration.
package logging

import (
	"fmt"
	"io"
	"log/syslog"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
)

// Format is how log lines look.
type Format string

// The formats: text for people and `docker service logs`, json for log collectors.
const (
	Text Format = "text"
	JSON Format = "json"
)

// New returns a logger that writes to w. level is one of zerolog's names or Python's
// (WARNING, CRITICAL), which rqd.conf uses, in any case.
func New(w io.Writer, level string, format Format) (zerolog.Logger, error) {
	l, err := ParseLevel(level)
	if err != nil {
		return zerolog.Nop(), err
	}
	w, err = formatted(w, format)
	if err != nil {
		return zerolog.Nop(), err
	}
	return zerolog.New(w).Level(l).With().Timestamp().Logger(), nil
}

// Mark writes words of level info whatever the levels are, to the console and to syslog:
// scripts and people look for them.
func Mark(log zerolog.Logger, words string) {
	log.Log().Str(zerolog.LevelFieldName, zerolog.InfoLevel.String()).Msg(words)
}

// Syslog is the daemon that listens on a socket, and from which level on it is told.
type Syslog struct{ Socket, Level string }

// WithSyslog returns a logger that writes text to console and, from a level of its own on, to syslog.
func WithSyslog(console io.Writer, consoleLevel string, to Syslog) (zerolog.Logger, error) {
	shown, err := ParseLevel(consoleLevel)
	if err != nil {
		return zerolog.Nop(), err
	}
	kept, err := ParseLevel(to.Level)
	if err != nil {
		return zerolog.Nop(), err
	}
	daemon, err := syslog.Dial("unixgram", to.Socket, syslog.LOG_DAEMON|syslog.LOG_INFO, "rqd")
	if err != nil {
		return zerolog.Nop(), fmt.Errorf("open syslog: %w", err)
	}
	text, err := formatted(console, Text)
	if err != nil {
		return zerolog.Nop(), err
	}
	both := zerolog.MultiLevelWriter(
		&zerolog.FilteredLevelWriter{Writer: zerolog.LevelWriterAdapter{Writer: text}, Level: shown},
		&zerolog.FilteredLevelWriter{Writer: zerolog.SyslogLevelWriter(daemon), Level: kept},
	)
	return zerolog.New(both).Level(min(shown, kept)).With().Timestamp().Logger(), nil
}

func formatted(w io.Writer, format Format) (io.Writer, error) {
	switch format {
	case JSON:
		return w, nil
	case Text:
		return zerolog.ConsoleWriter{Out: w, TimeFormat: time.RFC3339, NoColor: !isTerminal(w)}, nil
	}
	return nil, fmt.Errorf("log format %q: want %q or %q", format, Text, JSON)
}

// ParseLevel reads a level name, zerolog's or Python's.
func ParseLevel(name string) (zerolog.Level, error) {
	switch strings.ToLower(name) {
	case "critical":
		return zerolog.FatalLevel, nil
	case "warning":
		return zerolog.WarnLevel, nil
	case "notset":
		return zerolog.TraceLevel, nil
	}
	l, err := zerolog.ParseLevel(strings.ToLower(name))
	if err != nil || name == "" {
		return zerolog.NoLevel, fmt.Errorf("log level %q: want debug, info, warning, error or critical", name)
	}
	return l, nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(f.Fd())
}
