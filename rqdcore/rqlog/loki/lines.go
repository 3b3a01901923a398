package loki

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	readSize = 32 << 10
	maxLine  = 64 << 10 // Loki refuses lines over 256 KiB by default.
)

// lines cuts a stream of bytes into log entries: blank lines are left out, blanks at the end
// too (at the start they are a traceback's indentation), and long lines come in pieces. The zero value is ready.
type lines struct{ part []byte }

func (l *lines) feed(text []byte, emit func(string)) {
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte{'\n'})
		l.part = append(l.part, line...)
		text = rest
		for len(l.part) > maxLine {
			cut := wholeRunes(l.part[:maxLine])
			send(l.part[:cut], emit)
			l.part = append(l.part[:0], l.part[cut:]...)
		}
		if whole {
			l.flush(emit)
		}
	}
}

// flush ends a line that has no end.
func (l *lines) flush(emit func(string)) {
	send(l.part, emit)
	l.part = l.part[:0]
}

func send(line []byte, emit func(string)) {
	text := strings.TrimRight(strings.ToValidUTF8(string(line), "\ufffd"), " \t\r")
	if strings.TrimSpace(text) != "" {
		emit(text)
	}
}

// wholeRunes is the length of text without a character that is cut off at its end.
func wholeRunes(text []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if start := len(text) - i; utf8.RuneStart(text[start]) {
			if !utf8.FullRune(text[start:]) {
				return start
			}
			break
		}
	}
	return len(text)
}
