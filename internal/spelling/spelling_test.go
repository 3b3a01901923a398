package spelling

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"OVERRIDE_CORES", "OVERRIDE_PROCS", "GPU", "RQD_TAGS"}
	for name, want := range map[string]string{
		"override_cores": "OVERRIDE_CORES",
		"OVERRIDE_CORE":  "OVERRIDE_CORES",
		"OVERRIDE_PROC":  "OVERRIDE_PROCS",
		"RQD_TGAS":       "RQD_TAGS",
		"RQDTAG":         "RQD_TAGS",
		"GPU_MODE":       "",
		"FROBNICATE":     "",
		"":               "",
	} {
		if have := Nearest(name, known, 2); have != want {
			t.Errorf("%q: have %q, want %q", name, have, want)
		}
	}
	if have := Nearest("abcd", []string{"abce", "abcf", "abcd", "abcx"}, 2); have != "abcd" {
		t.Errorf("have %q, want the closest", have)
	}
	if have := Nearest("abcd", []string{"abef"}, 1); have != "" {
		t.Errorf("have %q, want none within one slip", have)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"abc", "acb", 1}, {"ca", "abc", 3}} {
		if have := distance(tc.a, tc.b); have != tc.want {
			t.Errorf("%q to %q: have %d, want %d", tc.a, tc.b, have, tc.want)
		}
	}
}
