package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rqdswarm/internal/capability"
)

// capabilities are kept as the engine wants them: upper case, without CAP_.
func capabilities() kind[[]string] {
	known := capability.Names()
	return list("list", commaWords, func(word string) (string, error) {
		name := strings.TrimPrefix(strings.ToUpper(word), "CAP_")
		if name == "ALL" || slices.Contains(known, name) {
			return name, nil
		}
		if near := nearest(name, known); near != "" {
			return "", fmt.Errorf("want a capability's name, perhaps %s", near)
		}
		return "", errors.New("want a capability's name, for example SYS_PTRACE, or ALL")
	}, func(s string) string { return s })
}
