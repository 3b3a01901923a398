package loki

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func collect(pieces ...string) []string {
	var l lines
	var have []string
	emit := func(line string) { have = append(have, line) }
	for _, piece := range pieces {
		l.feed([]byte(piece), emit)
	}
	l.flush(emit)
	return have
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxLine/2)
	for _, tt := range []struct {
		name   string
		pieces []string
		want   []string
	}{
		{"nothing", nil, nil},
		{"blank", []string{"\n \n\t\n\r\n"}, nil},
		{"cut anywhere", []string{"o", "ne\nt", "wo\n", "\nthr", "ee"}, []string{"one", "two", "three"}},
		{"a character in two reads", []string{"\xc3", "\xa9\n"}, []string{"é"}},
		{"not UTF-8", []string{"a\xffb\n"}, []string{"a\ufffdb"}},
		{"just fits", []string{long + "\n"}, []string{long}},
		{"too long by a bit", []string{"x" + long + "\n"}, []string{"x" + long[:len(long)-2], "é"}},
		{"no end for long", []string{long, long, long}, []string{long, long, long}},
	} {
		if have := collect(tt.pieces...); !slices.Equal(have, tt.want) {
			t.Errorf("%s: want %d lines, have %d: %.100q", tt.name, len(tt.want), len(have), have)
		}
	}
}

// However the output is cut into reads, the entries are the same, valid and of a bounded size.
func FuzzLines(f *testing.F) {
	f.Add("one\n  two\r\n\nthree é", 3)
	f.Add("\xff\xc3\n\xa9", 1)
	f.Add(strings.Repeat("é", maxLine), 1000)
	f.Fuzz(func(t *testing.T, text string, size int) {
		whole := collect(text)
		var pieces []string
		for rest := text; rest != ""; {
			n := min(max(size, 1), len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if cut := collect(pieces...); !slices.Equal(whole, cut) {
			t.Errorf("want %.100q, have %.100q", whole, cut)
		}
		for _, line := range whole {
			if !utf8.ValidString(line) || len(line) > 3*maxLine || strings.TrimSpace(line) == "" || strings.Contains(line, "\n") {
				t.Errorf("line: have %.100q", line)
			}
		}
	})
}
