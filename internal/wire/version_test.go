package wire

import "testing"

func TestAgrees(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hello Hello
		want  bool
	}{
		"the same":                        {Hello{Version: Version, Oldest: MinVersion}, true},
		"a first release, without oldest": {Hello{Version: 1}, MinVersion <= 1},
		"too old":                         {Hello{Version: MinVersion - 1}, false},
		"newer, speaks ours":              {Hello{Version: Version + 3, Oldest: Version}, true},
		"newer, does not say":             {Hello{Version: Version + 1}, false},
		"too new":                         {Hello{Version: Version + 2, Oldest: Version + 1}, false},
	} {
		if have := Agrees(tc.hello); have != tc.want {
			t.Errorf("%s: have %t, want %t", name, have, tc.want)
		}
	}
}
