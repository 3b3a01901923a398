package capability_test

import (
	"testing"

	"rqdswarm/internal/capability"
)

func TestSet(t *testing.T) {
	t.Parallel()
	// The numbers are those of linux/capability.h.
	for _, tc := range []struct {
		names []string
		want  uint64
	}{
		{nil, 0},
		{[]string{"CHOWN"}, 1},
		{[]string{"SYS_PTRACE", "SYS_NICE"}, 1<<19 | 1<<23},
		{[]string{"MAC_OVERRIDE"}, 1 << 32},
		{[]string{"CHECKPOINT_RESTORE"}, 1 << 40},
		{[]string{"ALL"}, 1<<41 - 1},
		{[]string{"NO_SUCH"}, 0},
	} {
		if have := capability.Set(tc.names); have != tc.want {
			t.Errorf("%v: have %#x, want %#x", tc.names, have, tc.want)
		}
	}
}
