package runner

import (
	"maps"
	"testing"
	"time"

	"rqdswarm/rqdcore/frame"
)

// TestAttributes has what Cuebot sent and what RQD chose, which wins; CPU_LIST is there also when the frame is unpinned.
func TestAttributes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sent map[string]string
		res  frame.Reservation
		want map[string]string
	}{
		"unpinned": {nil, frame.Reservation{Cores: 50}, map[string]string{"CPU_LIST": ""}},
		"pinned":   {nil, frame.Reservation{CPUs: []int{0, 4}}, map[string]string{"CPU_LIST": "0,4"}},
		"cards":    {nil, frame.Reservation{GPUs: []int{1, 3}}, map[string]string{"CPU_LIST": "", "GPU_LIST": "1,3"}},
		"merged": {
			map[string]string{"studio": "x", "CPU_LIST": "9"},
			frame.Reservation{CPUs: []int{2}},
			map[string]string{"studio": "x", "CPU_LIST": "2"},
		},
	} {
		f := testFrame()
		f.Attributes = maps.Clone(tc.sent)
		j := NewJob(NewPromise(f, tc.res, time.Now()))
		if have := j.Running().Attributes; !maps.Equal(have, tc.want) {
			t.Errorf("%s: have %v, want %v", name, have, tc.want)
		}
		if !maps.Equal(f.Attributes, tc.sent) {
			t.Errorf("%s: what Cuebot sent was changed to %v", name, f.Attributes)
		}
	}
}
