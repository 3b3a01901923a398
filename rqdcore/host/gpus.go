package host

import (
	"slices"

	"rqdswarm/rqdcore/machine"
)

func cardIDs(cards []machine.GPU) []int {
	ids := make([]int, len(cards))
	for i, card := range cards {
		ids[i] = card.ID
	}
	return ids
}

// usedMemory is what is in use, in KiB, of those cards that a frame holds: it has them to itself.
func usedMemory(cards []machine.GPU, held []int) int64 {
	var used int64
	for _, card := range cards {
		if slices.Contains(held, card.ID) {
			used += card.Total - card.Free
		}
	}
	return used
}
