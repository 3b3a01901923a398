package config

import "io"

// Key is one row of the documentation: a key of rqd.conf or a variable of the environment.
type Key struct {
	Section     string
	Name        string
	Type        string
	Default     string
	Meaning     string
	Environment string // The variable that wins over the file, if there is one.
	Relevance   Relevance
}

// Relevance is what RQD does with a key of the Python RQD.
type Relevance string

// The three kinds of keys.
const (
	Honoured Relevance = "honoured"
	Ignored  Relevance = "ignored"
	Warned   Relevance = "warns"
)

// Keys lists every key that RQD knows, in the order of the documentation.
func Keys() []Key { return nil }

// MarkdownTables is the documentation of Keys and Variables as the README holds it.
func MarkdownTables() string { return "" }

// Print writes the effective configuration in the format that Load reads.
func (c *Config) Print(w io.Writer) error { return nil }
