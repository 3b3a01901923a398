package engine

import (
	"slices"
	"testing"

	"rqdswarm/internal/capability"
)

// The groups are the kernel's capabilities, each once.
func TestCapabilityGroups(t *testing.T) {
	t.Parallel()
	have, want := allCapabilities(), capability.Names()
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}
