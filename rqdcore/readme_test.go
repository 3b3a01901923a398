package main

import (
	"testing"

	"rqdswarm/internal/readme"
	"rqdswarm/rqdcore/config"
)

// TestReadmeTables: after a change of a key, README=update go test -run TestReadmeTables ./rqdcore.
func TestReadmeTables(t *testing.T) {
	readme.Check(t, "../README.md", "rqd.conf keys", config.MarkdownTables())
}
