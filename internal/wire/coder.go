package wire

import (
	"strconv"
	"unicode/utf8"
)

// codec writes JSON, or reads it, one field after the other. Package encoding/json with what it
// needs would be an eighth of frameinit, which is in memory for as long as there are frames.
type codec struct {
	reading bool
	out     []byte // Written so far.
	parser
	key   string // Of the value that is read next.
	taken bool   // A field had that name.
}

// named says whether the next value is the one of that name, and writes the name.
func (c *codec) named(name string) bool {
	if c.reading {
		if c.taken || c.err != nil || c.key != name {
			return false
		}
		c.taken = true
		return !c.null()
	}
	c.separate()
	c.out = append(append(append(c.out, '"'), name...), `":`...)
	return true
}

// separate writes a comma, but not at the beginning.
func (c *codec) separate() {
	if last := c.out[len(c.out)-1]; last != '{' && last != '[' {
		c.out = append(c.out, ',')
	}
}

// object goes through the fields of an object: once to write them, or once for each that is read.
func (c *codec) object(fields func()) {
	if !c.reading {
		c.out = append(c.out, '{')
		fields()
		c.out = append(c.out, '}')
		return
	}
	key, taken := c.key, c.taken
	c.members(func(name string) {
		c.key, c.taken = name, false
		if fields(); !c.taken {
			c.skip()
		}
	})
	c.key, c.taken = key, taken
}

func (c *codec) integer(n *int) {
	if c.reading {
		*n = int(c.number())
		return
	}
	c.out = strconv.AppendInt(c.out, int64(*n), 10)
}

func number[T int | int64](c *codec, name string, n *T) {
	switch {
	case !c.named(name):
	case c.reading:
		*n = T(c.number())
	default:
		c.out = strconv.AppendInt(c.out, int64(*n), 10)
	}
}

func bits(c *codec, name string, n *uint64) {
	switch {
	case !c.named(name):
	case c.reading:
		*n = c.unsigned()
	default:
		c.out = strconv.AppendUint(c.out, *n, 10)
	}
}

func flag(c *codec, name string, b *bool) {
	switch {
	case !c.named(name):
	case c.reading:
		*b = c.boolean()
	default:
		c.out = strconv.AppendBool(c.out, *b)
	}
}

func text[T ~string](c *codec, name string, s *T) {
	switch {
	case !c.named(name):
	case c.reading:
		*s = T(c.text())
	default:
		c.out = appendText(c.out, string(*s))
	}
}

// texts is an object of nothing but texts.
func texts(c *codec, name string, m *map[string]string) { //nolint:gocritic // Reading makes the map.
	if !c.reading && *m == nil || !c.named(name) {
		return
	}
	if c.reading {
		*m = make(map[string]string)
		c.members(func(key string) { (*m)[key] = c.text() })
		return
	}
	c.out = append(c.out, '{')
	for key, s := range *m {
		c.separate()
		c.out = append(appendText(c.out, key), ':')
		c.out = appendText(c.out, s)
	}
	c.out = append(c.out, '}')
}

func value[T any](c *codec, name string, v *T, fields func(*T, *codec)) {
	if c.named(name) {
		c.object(func() { fields(v, c) })
	}
}

// pointer is a value that may be missing.
func pointer[T any](c *codec, name string, p **T, fields func(*T, *codec)) {
	if !c.reading && *p == nil || !c.named(name) {
		return
	}
	if c.reading {
		*p = new(T)
	}
	c.object(func() { fields(*p, c) })
}

// list is an array that may be missing.
func list[T any](c *codec, name string, l *[]T, element func(*codec, *T)) {
	if !c.reading && len(*l) == 0 || !c.named(name) {
		return
	}
	if c.reading {
		c.elements(func() {
			var v T
			element(c, &v)
			*l = append(*l, v)
		})
		return
	}
	c.out = append(c.out, '[')
	for i := range *l {
		c.separate()
		element(c, &(*l)[i])
	}
	c.out = append(c.out, ']')
}

// appendText quotes s. What is no UTF-8 in it becomes U+FFFD: JSON has no other way to say it.
func appendText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r) // RuneError, of size 1, where there is none.
			i += size
			continue
		}
		switch {
		case b == '"', b == '\\':
			dst = append(dst, '\\', b)
		case b < ' ', b == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xf])
		default:
			dst = append(dst, b)
		}
		i++
	}
	return append(dst, '"')
}
