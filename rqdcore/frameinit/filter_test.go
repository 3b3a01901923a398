package main

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"rqdswarm/internal/wire"
)

func TestFilterMakesUTF8(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"ascii", "frame 1\n", "frame 1\n"},
		{"characters of each length", "aé€𝄞\n", "aé€𝄞\n"},
		{"latin 1", "caf\xe9\n", "caf\uFFFD\n"},
		{"each byte once", "\xff\xfe\n", "\uFFFD\uFFFD\n"},
		{"cut off at the end", "x\xe2\x82", "x\uFFFD\uFFFD"},
		{"a surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
		{"nothing", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for size := 1; size <= len(tc.in)+1; size++ {
				var f filter
				if have := feedBy(&f, []byte(tc.in), size); string(have) != tc.want {
					t.Errorf("in pieces of %d: have %q, want %q", size, have, tc.want)
				}
			}
		})
	}
}

func TestFilterStampsLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 23, 59, 58, 0, time.UTC)
	in, want := "one\n\ntwo €\xff\nthree", "[00:59:58] one\n[00:59:58] \n[00:59:58] two €\uFFFD\n[00:59:58] three"
	for size := 1; size <= len(in); size++ {
		f := filter{clock: &lineClock{zone: wire.Zone{Offset: 3600}}}
		f.clock.set(at)
		if have := feedBy(&f, []byte(in), size); string(have) != want {
			t.Errorf("in pieces of %d: have %q, want %q", size, have, want)
		}
	}
}

func TestLineClockMovesOn(t *testing.T) {
	t.Parallel()
	var c lineClock
	c.set(time.Unix(0, 0))
	c.set(time.Unix(61, 999))
	if have := string(c.stamp()); have != "[00:01:01] " {
		t.Errorf("have %q, want the later time", have)
	}
}

// feedBy runs in through f in reads of the given size, as the log's reader does.
func feedBy(f *filter, in []byte, size int) []byte {
	var out []byte
	for len(in) > 0 {
		n := min(size, len(in))
		if f.passes(in[:n]) {
			out = append(out, in[:n]...)
		} else {
			out = f.feed(out, in[:n])
		}
		in = in[n:]
	}
	return f.flush(out)
}

func FuzzFilter(f *testing.F) {
	f.Add([]byte("plain\n"), uint8(3))
	f.Add([]byte("a\xe2\x82\xacb\xff"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		var plain filter
		have := feedBy(&plain, in, int(size)+1)
		if !utf8.Valid(have) {
			t.Errorf("have %q, which is not UTF-8", have)
		}
		// Cutting into reads changes nothing, and valid text is left alone.
		if want := []byte(string([]rune(string(in)))); !bytes.Equal(have, want) {
			t.Errorf("have %q, want %q", have, want)
		}
	})
}
