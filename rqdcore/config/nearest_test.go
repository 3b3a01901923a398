package config

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"OVERRIDE_CORES", "OVERRIDE_PROCS", "GPU", "RQD_TAGS"}
	for name, want := range map[string]string{
		"override_cores": "OVERRIDE_CORES",
		"OVERRIDE_CORE":  "OVERRIDE_CORES",
		"OVERRIDE_PROC":  "OVERRIDE_PROCS",
		"RQDTAG":         "RQD_TAGS",
		"GPU_MODE":       "",
		"FROBNICATE":     "",
		"":               "",
	} {
		if have := nearest(name, known); have != want {
			t.Errorf("%q: have %q, want %q", name, have, want)
		}
	}
	if have := nearest("abcd", []string{"abce", "abcf", "abcd", "abcx"}); have != "abcd" {
		t.Errorf("have %q, want the closest", have)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"abc", "acb", 2}} {
		if have := distance(tc.a, tc.b); have != tc.want {
			t.Errorf("%q to %q: have %d, want %d", tc.a, tc.b, have, tc.want)
		}
	}
}
