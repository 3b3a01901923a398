package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"rqdswarm/internal/spelling"
)

// ownVariables are the names of all settings.
func ownVariables() []string {
	var names []string
	t := reflect.TypeFor[settings]()
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("envconfig"))
	}
	return names
}

// misspelt returns an error for every variable that looks like a slip of the pen. RQD has variables of its own with
// the same prefix, so an unknown RQD_ name is wrong only when it is nearly one of ours.
func misspelt(environ []string) []error {
	var problems []error
	own := ownVariables()
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if slices.Contains(own, name) {
			continue
		}
		near := nearest(name, own)
		switch {
		case near != "":
			problems = append(problems, fmt.Errorf("%s: no such variable, is %s meant", name, near))
		case strings.HasPrefix(name, "SUPERVISOR_"):
			problems = append(problems, fmt.Errorf("%s: no such variable, the supervisor knows %s", name, strings.Join(own, ", ")))
		}
	}
	return problems
}

// nearest returns the name that is one slip away, or two in long names: what looks like it is refused.
func nearest(name string, names []string) string {
	slips := 1
	if len(name) >= 12 {
		slips = 2
	}
	return spelling.Nearest(name, names, slips)
}
