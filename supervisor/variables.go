package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
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

// nearest returns the name that is one slip away: a letter more, less or other, or two swapped; two slips in long names.
func nearest(name string, names []string) string {
	for _, n := range names {
		allowed := 1
		if len(n) >= 12 {
			allowed = 2
		}
		if distance(name, n) <= allowed {
			return n
		}
	}
	return ""
}

// distance counts the letters to insert, delete, replace or swap with their neighbour between a and b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
