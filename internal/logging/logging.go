// Package logging makes the one logger of a program from its configuration.
package logging

import (
	"fmt"
	"io"
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
	switch format {
	case JSON:
	case Text:
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.RFC3339, NoColor: !isTerminal(w)}
	default:
		return zerolog.Nop(), fmt.Errorf("log format %q: want %q or %q", format, Text, JSON)
	}
	return zerolog.New(w).Level(l).With().Timestamp().Logger(), nil
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
