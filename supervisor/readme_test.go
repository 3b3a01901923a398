package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"rqdswarm/internal/readme"
)

// TestReadmeTable: after a change of a setting, README=update go test -run TestReadmeTable ./supervisor.
func TestReadmeTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| Variable | Default | Meaning |\n|---|---|---|\n")
	settings := reflect.TypeFor[settings]()
	for i := range settings.NumField() {
		tag := settings.Field(i).Tag
		value := "not set"
		if d := tag.Get("default"); d != "" {
			value = "`" + d + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", tag.Get("envconfig"), value, tag.Get("desc"))
	}
	readme.Check(t, "../README.md", "supervisor variables", table.String())
}
