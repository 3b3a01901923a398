package machine

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxTag     = 45  // Characters that Cuebot stores of one tag.
	maxAllTags = 128 // Of all of a host's together, with a blank between.
	// allocationTag is kept free: Cuebot adds the tag of the host's allocation, and the host's name.
	allocationTag = 16
)

// tags are what Cuebot matches a layer's tags with. Whatever would make Cuebot drop them all
// in silence is cut, with a warning.
func tags(o Options, name, release string) (list, warnings []string) {
	all := append([]string{"rqdv-" + o.Version}, o.Tags...)
	if o.Desktop {
		all = append(all, "desktop")
	}
	all = append(all, bits(runtime.GOARCH), cleanRelease(release))
	for _, tag := range all {
		if short := cutTag(tag); short != tag {
			warnings = append(warnings, fmt.Sprintf("tag %q was cut to %q: Cuebot stores %d characters of a tag", tag, short, maxTag))
			tag = short
		}
		if tag != "" && !slices.Contains(list, tag) {
			list = append(list, tag)
		}
	}
	// The kernel's release can be done without best, then the studio's tags from the last.
	spare := append(slices.Clone(o.Tags), cleanRelease(release))
	room := maxAllTags - allocationTag - utf8.RuneCountInString(name) - 2
	for len(spare) > 0 && utf8.RuneCountInString(strings.Join(list, " ")) > room {
		last := spare[len(spare)-1]
		spare = spare[:len(spare)-1]
		i := slices.Index(list, cutTag(last))
		if i < 0 {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("tag %q is not reported: Cuebot stores %d characters of all of a host's tags together", list[i], maxAllTags))
		list = slices.Delete(list, i, i+1)
	}
	return list, warnings
}

func cutTag(tag string) string {
	if utf8.RuneCountInString(tag) <= maxTag {
		return tag
	}
	return string([]rune(tag)[:maxTag])
}

// bits tells Cuebot to round the host's memory up to whole GiB.
func bits(arch string) string {
	if arch == "386" || arch == "arm" {
		return "32bit"
	}
	return "64bit"
}

// cleanRelease takes away what the Python RQD takes away.
func cleanRelease(release string) string {
	return strings.NewReplacer(".EL.spi", "", "smp", "").Replace(strings.TrimSpace(release))
}
