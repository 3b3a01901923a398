package rqlog

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

const (
	headerWidth = 21 // Columns of a label.
	footerWidth = 20
	lineOfLimit = "===========================================================" // 59, as ever.
)

// field writes a label and its value. A value cannot leave its place: its further lines stand
// in the value's column, control characters are spelt out, and the result is valid UTF-8.
func field(b *bytes.Buffer, width int, label, value string) {
	fmt.Fprintf(b, "%-*s", width, label)
	writeValue(b, value, strings.Repeat(" ", width))
	b.WriteByte('\n')
}

func writeValue(b *bytes.Buffer, value, indent string) {
	for _, r := range value { // Bytes that are no UTF-8 come as U+FFFD.
		switch {
		case r == '\n':
			b.WriteByte('\n')
			b.WriteString(indent)
		case r == '\t' || !breaksLayout(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(b, `\x%02x`, r)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
}

// breaksLayout tells the characters that end a line for some reader, or drive a terminal.
func breaksLayout(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// oneLine is the text on one line.
func oneLine(text string) string {
	var b bytes.Buffer
	writeValue(&b, strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " "), "")
	return b.String()
}

// shellWord is text as one word of a POSIX shell, on one line. What cannot stand on a line as
// it is goes through printf, so that the word can still be copied into a terminal.
func shellWord(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") == "" {
		return text
	}
	if strings.ToValidUTF8(text, "") == text && !strings.ContainsFunc(text, breaksLayout) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString(`"$(printf '`)
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\\':
			b.WriteString(`\\`)
		case c == '%':
			b.WriteString(`%%`)
		case c < ' ' || c >= 0x7f || c == '\'' || c == '-' && i == 0:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(`')"`)
	return b.String()
}
