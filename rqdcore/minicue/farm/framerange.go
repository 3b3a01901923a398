package farm

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxFrames bounds a job: a range is typed by a person and a typo must not fill the memory.
const maxFrames = 100_000

var rangePart = regexp.MustCompile(`^(-?\d{1,9})(?:-(-?\d{1,9})(?:x(-?\d{1,9}))?)?$`)

// ParseRange reads frame numbers as OpenCue writes them: 1-8, 1,3,7-9, 1-100x10, 10-1x-1.
// The order is kept and a number that comes twice is taken once.
func ParseRange(text string) ([]int, error) {
	var out []int
	seen := map[int]bool{}
	for part := range strings.SplitSeq(text, ",") {
		numbers, err := parsePart(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("range %q: %w", text, err)
		}
		for _, n := range numbers {
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
		if len(out) > maxFrames {
			return nil, fmt.Errorf("range %q: more than %d frames", text, maxFrames)
		}
	}
	return out, nil
}

func parsePart(part string) ([]int, error) {
	m := rangePart.FindStringSubmatch(part)
	if m == nil {
		return nil, fmt.Errorf("%q is no number, FIRST-LAST or FIRST-LASTxSTEP", part)
	}
	first := number(m[1])
	if m[2] == "" {
		return []int{first}, nil
	}
	last, step := number(m[2]), 1
	if last < first {
		step = -1
	}
	if m[3] != "" {
		step = number(m[3])
	}
	if step == 0 || first != last && (last > first) != (step > 0) {
		return nil, fmt.Errorf("step %d does not lead from %d to %d", step, first, last)
	}
	if (last-first)/step >= maxFrames {
		return nil, fmt.Errorf("more than %d frames", maxFrames)
	}
	var out []int
	for n := first; step > 0 && n <= last || step < 0 && n >= last; n += step {
		out = append(out, n)
	}
	return out, nil
}

// number reads what rangePart has matched: at most nine digits, so it always fits.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
