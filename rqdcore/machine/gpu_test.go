package machine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNvidiaSMI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		csv  string
		want []GPU
		err  string
	}{
		"two cards":     {"0, 16130, 16119\n1, 8192, 1\n", []GPU{{0, 16913531, 16901997}, {1, 8589935, 1049}}, ""},
		"with units":    {"3, 16130 MiB, 16119 MiB\r\n", []GPU{{3, 16913531, 16901997}}, ""},
		"shared memory": {"0, [N/A], [Not Supported]\n", []GPU{{0, 0, 0}}, ""},
		"none":          {"\n", nil, ""},
		"words":         {"No devices were found\n", nil, `line "No devices were found"`},
		"index":         {"x, 1, 1\n", nil, `index "x"`},
		"index twice":   {"0, 1, 1\n0, 1, 1\n", nil, `index "0"`},
		"memory":        {"0, much, 1\n", nil, `memory "much"`},
		"free":          {"0, 1, -1\n", nil, `memory "-1"`},
	} {
		have, err := ParseNvidiaSMI(tc.csv)
		if diff := cmp.Diff(tc.want, have); diff != "" {
			t.Errorf("%s: want (-), have (+):\n%s", name, diff)
		}
		if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: have error %v, want %q", name, err, tc.err)
		}
	}
}

func TestNvidiaSMI(t *testing.T) {
	t.Parallel()
	good := NvidiaSMI{Run: func(_ context.Context, command ...string) ([]byte, error) {
		if !slices.Equal(command, NvidiaQuery()) {
			return nil, errors.New("unknown command")
		}
		return []byte("0, 2, 1\n"), nil
	}}
	if have, err := good.GPUs(t.Context()); err != nil || len(have) != 1 || have[0] != (GPU{0, 2098, 1049}) {
		t.Errorf("have %v, error %v", have, err)
	}
	bad := NvidiaSMI{Run: func(context.Context, ...string) ([]byte, error) { return nil, errors.New("no driver") }}
	if _, err := bad.GPUs(t.Context()); err == nil || err.Error() != "run nvidia-smi: no driver" {
		t.Errorf("have error %v", err)
	}
}

func FuzzNvidiaSMI(f *testing.F) {
	f.Add("0, 16130, 16119\n1, 8192 MiB, [N/A]\n")
	f.Add("No devices were found\n")
	f.Fuzz(func(t *testing.T, csv string) {
		list, err := ParseNvidiaSMI(csv)
		if err != nil && (list != nil || strings.Contains(err.Error(), "\n")) {
			t.Errorf("have %v with error %q", list, err)
		}
		for _, g := range list {
			if g.Total < 0 || g.Free < 0 || g.Free > g.Total {
				t.Errorf("have card %+v", g)
			}
		}
	})
}
