// Package spelling guesses what name a person meant.
package spelling

import "strings"

// Nearest is the candidate that name most likely means, whatever its case, or "" when none is
// within that many slips: letters to insert, delete, replace or swap with their neighbour.
func Nearest(name string, candidates []string, slips int) string {
	best := ""
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d <= slips {
			// The next one has to be strictly closer.
			best, slips = candidate, d-1
		}
	}
	return best
}

// distance counts the slips between a and b, row by row; a swap needs the row before the last.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(row[j-1]+1, last[j]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
