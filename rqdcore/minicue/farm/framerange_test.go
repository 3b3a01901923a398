package farm

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRange(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]int{
		"7":         {7},
		"1-4":       {1, 2, 3, 4},
		"1,3, 7-9":  {1, 3, 7, 8, 9},
		"1-10x4":    {1, 5, 9},
		"4-1":       {4, 3, 2, 1},
		"10-1x-4":   {10, 6, 2},
		"-2-1":      {-2, -1, 0, 1},
		"-1--3":     {-1, -2, -3},
		"1-3,2-4":   {1, 2, 3, 4},
		"5-5":       {5},
		"0001-0002": {1, 2},
	} {
		have, err := ParseRange(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%q (-want +have):\n%s", in, diff)
		}
	}
	for _, in := range []string{"", "a", "1-", "1--", "1-5x0", "1-5x-1", "5-1x1", "1,,2", "1-200000", "1-9999999999", "1-99999,200000-299999"} {
		if have, err := ParseRange(in); err == nil {
			t.Errorf("%q: want an error, have %d frames", in, len(have))
		}
	}
}
