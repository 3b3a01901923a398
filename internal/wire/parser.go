package wire

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds what is nested in a value that is passed over.
const maxDepth = 64

// parser takes JSON apart. After its first error it finds nothing more.
type parser struct {
	in  []byte
	at  int
	err error
}

var (
	errEnd    = errors.New("unexpected end of JSON")
	errDepth  = errors.New("JSON is nested too deeply")
	errEscape = errors.New("escape in a string is not one of JSON's")
)

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// peek is the next byte that is no blank; 0 at the end and after an error.
func (p *parser) peek() byte {
	for p.err == nil && p.at < len(p.in) {
		switch b := p.in[p.at]; b {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return b
		}
	}
	return 0
}

// expect passes over one byte.
func (p *parser) expect(want byte) {
	switch have := p.peek(); {
	case have == want && p.err == nil:
		p.at++
	case p.at >= len(p.in):
		p.fail(errEnd)
	default:
		p.fail(fmt.Errorf("JSON has %q at byte %d, want %q", have, p.at, want))
	}
}

// literal passes over a word if it comes next.
func (p *parser) literal(word string) bool {
	p.peek()
	if p.err != nil || len(p.in)-p.at < len(word) || string(p.in[p.at:p.at+len(word)]) != word {
		return false
	}
	p.at += len(word)
	return true
}

func (p *parser) null() bool { return p.literal("null") }

func (p *parser) boolean() bool {
	if p.literal("true") {
		return true
	}
	if !p.literal("false") {
		p.fail(fmt.Errorf("JSON has no truth value at byte %d", p.at))
	}
	return false
}

// members calls take for each member of an object; take reads its value.
func (p *parser) members(take func(name string)) {
	p.sequence('{', '}', func() {
		name := p.text()
		p.expect(':')
		take(name)
	})
}

// elements calls take for each element of an array.
func (p *parser) elements(take func()) { p.sequence('[', ']', take) }

func (p *parser) sequence(begin, end byte, take func()) {
	p.expect(begin)
	if p.peek() == end {
		p.expect(end)
		return
	}
	for p.err == nil {
		take()
		if p.peek() == end {
			p.expect(end)
			return
		}
		p.expect(',')
	}
}

// number is an integer; fractions and exponents are errors.
func (p *parser) number() int64 {
	digits := p.digits()
	n, err := strconv.ParseInt(digits, 10, 64)
	p.check(digits, err)
	return n
}

func (p *parser) unsigned() uint64 {
	digits := p.digits()
	n, err := strconv.ParseUint(digits, 10, 64)
	p.check(digits, err)
	return n
}

func (p *parser) check(digits string, err error) {
	if err != nil || digits[0] == '+' {
		p.fail(fmt.Errorf("JSON has %q before byte %d, want an integer", digits, p.at))
	}
}

// digits passes over what a number may consist of.
func (p *parser) digits() string {
	p.peek()
	begin := p.at
	for p.err == nil && p.at < len(p.in) && isNumeric(p.in[p.at]) {
		p.at++
	}
	return string(p.in[begin:p.at])
}

func isNumeric(b byte) bool {
	return '0' <= b && b <= '9' || b == '-' || b == '+' || b == '.' || b == 'e' || b == 'E'
}

// text is a string. What is no UTF-8 in it becomes U+FFFD.
func (p *parser) text() string {
	p.expect('"')
	var out []byte
	for p.err == nil {
		if p.at >= len(p.in) {
			p.fail(errEnd)
			break
		}
		switch b := p.in[p.at]; {
		case b == '"':
			p.at++
			return string(out)
		case b == '\\':
			out = p.escape(out)
		case b < ' ':
			p.fail(fmt.Errorf("JSON has control character %q in a string", b))
		case b < utf8.RuneSelf:
			out = append(out, b)
			p.at++
		default:
			r, size := utf8.DecodeRune(p.in[p.at:])
			out = utf8.AppendRune(out, r)
			p.at += size
		}
	}
	return ""
}

// escape reads what follows a backslash.
func (p *parser) escape(out []byte) []byte {
	if p.at+1 >= len(p.in) {
		p.fail(errEnd)
		return out
	}
	b := p.in[p.at+1]
	p.at += 2
	switch b {
	case '"', '\\', '/':
		return append(out, b)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		return utf8.AppendRune(out, p.codePoint())
	}
	p.fail(errEscape)
	return out
}

// codePoint reads the digits after \u, of two halves where it takes two.
func (p *parser) codePoint() rune {
	r := p.hex4()
	if !utf16.IsSurrogate(r) {
		return r
	}
	before := p.at
	if p.at+1 < len(p.in) && p.in[p.at] == '\\' && p.in[p.at+1] == 'u' {
		p.at += 2
		if both := utf16.DecodeRune(r, p.hex4()); both != utf8.RuneError {
			return both
		}
		p.at = before // Half a character, and then another one.
	}
	return utf8.RuneError
}

func (p *parser) hex4() rune {
	if p.at+4 > len(p.in) {
		p.fail(errEnd)
		return 0
	}
	n, err := strconv.ParseUint(string(p.in[p.at:p.at+4]), 16, 32)
	if err != nil {
		p.fail(errEscape)
	}
	p.at += 4
	return rune(n) // #nosec G115 -- four digits.
}

// skip passes over a value that only a newer peer knows.
func (p *parser) skip() { p.skipNested(0) }

func (p *parser) skipNested(depth int) {
	if depth > maxDepth {
		p.fail(errDepth)
		return
	}
	switch b := p.peek(); {
	case b == '{':
		p.members(func(string) { p.skipNested(depth + 1) })
	case b == '[':
		p.elements(func() { p.skipNested(depth + 1) })
	case b == '"':
		p.text()
	case p.literal("true"), p.literal("false"), p.null():
	default:
		if p.digits() == "" {
			p.fail(fmt.Errorf("JSON has no value at byte %d", p.at))
		}
	}
}
