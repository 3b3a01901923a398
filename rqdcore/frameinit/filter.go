package main

import (
	"bytes"
	"time"
	"unicode/utf8"

	"rqdswarm/internal/wire"
)

// filter turns a command's output into what an rqlog holds: valid UTF-8, with the time in
// front of each line if wanted. Readers of rqlogs decode strictly. It may be fed in pieces.
type filter struct {
	clock   *lineClock // Nil without timestamps.
	midLine bool
	partial []byte // The start of a character whose rest has not come yet; at most 3 bytes.
}

// feed appends the text of src to dst. What src begins but does not finish of a character is kept.
func (f *filter) feed(dst, src []byte) []byte {
	if len(f.partial) > 0 {
		src = append(f.partial, src...)
		f.partial = nil
	}
	if n := unfinished(src); n > 0 {
		f.partial = bytes.Clone(src[len(src)-n:])
		src = src[:len(src)-n]
	}
	return f.lines(dst, src)
}

// passes says whether src goes into the log as it is: nearly always.
func (f *filter) passes(src []byte) bool {
	return f.clock == nil && len(f.partial) == 0 && utf8.Valid(src)
}

// flush appends what is left when no more comes.
func (f *filter) flush(dst []byte) []byte {
	rest := f.partial
	f.partial = nil
	return f.lines(dst, rest)
}

func (f *filter) lines(dst, src []byte) []byte {
	if f.clock == nil {
		return appendValid(dst, src)
	}
	for len(src) > 0 {
		if !f.midLine {
			dst = append(dst, f.clock.stamp()...)
		}
		end := bytes.IndexByte(src, '\n') + 1
		f.midLine = end == 0
		if f.midLine {
			end = len(src)
		}
		dst = appendValid(dst, src[:end])
		src = src[end:]
	}
	return dst
}

func appendValid(dst, src []byte) []byte {
	if utf8.Valid(src) {
		return append(dst, src...)
	}
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src) // An invalid byte is one RuneError.
		dst = utf8.AppendRune(dst, r)
		src = src[n:]
	}
	return dst
}

// unfinished is how many bytes at the end of text begin a character that is not complete.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		tail := text[len(text)-n:]
		if utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// lineClock makes the prefix of lines. It asks for the time once a read, not once a line.
type lineClock struct {
	zone   wire.Zone
	second int64
	text   []byte
}

// set says that what is fed next has come at t.
func (c *lineClock) set(t time.Time) {
	if c.second == t.Unix() && c.text != nil {
		return
	}
	c.second = t.Unix()
	c.text = c.zone.In(t).AppendFormat(c.text[:0], "[15:04:05] ")
}

func (c *lineClock) stamp() []byte { return c.text }
