package config

import (
	"fmt"
	"strings"
)

// Place is where in the configuration something stands.
type Place struct {
	File    string // Empty for the environment.
	Line    int
	Section string
	Key     string
}

// String names the place as people look for it: "rqd.conf:12: [Override] RQD_GRPC_PORT".
func (p Place) String() string {
	var parts []string
	switch {
	case p.File == "" && p.Section == "" && p.Key != "":
		return "environment " + p.Key
	case p.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d:", p.File, p.Line))
	case p.File != "":
		parts = append(parts, p.File+":")
	}
	if p.Section != "" {
		parts = append(parts, "["+p.Section+"]")
	}
	if p.Key != "" {
		parts = append(parts, p.Key)
	}
	return strings.Join(parts, " ")
}

// Error is one reason not to start.
type Error struct {
	Place
	Text string // What is wrong, with the value, and what would be right.
}

// Error implements error, on one line.
func (e *Error) Error() string { return line(e.Place, e.Text) }

// Warning is something that RQD starts in spite of.
type Warning struct {
	Place
	Text string
}

// String is the warning on one line.
func (w Warning) String() string { return line(w.Place, w.Text) }

func line(p Place, text string) string {
	place := p.String()
	if place == "" {
		return text
	}
	return strings.TrimSuffix(place, ":") + ": " + text
}
