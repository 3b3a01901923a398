package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// defaultSection is the one whose keys count in every other section too.
const defaultSection = "DEFAULT"

// entry is one key with its value.
type entry struct {
	Key   string
	Value string
	Bare  bool // The key stands alone, without a delimiter.
	Line  int
	Home  string // The section it was written in, which is DEFAULT for one that leaked.
}

// section is one bracketed part of the file.
type section struct {
	Name    string
	Line    int
	Entries []entry
}

// ini is a parsed file.
type ini struct {
	Sections []*section // In the order of the file, without DEFAULT.
	Defaults section
}

// entries are the keys that count in the named section: its own, then those of DEFAULT that it does not have.
func (f *ini) entries(name string) []entry {
	var list []entry
	seen := make(map[string]bool)
	for _, s := range f.Sections {
		if s.Name != name {
			continue
		}
		list = append(list, s.Entries...)
		for _, e := range s.Entries {
			seen[e.Key] = true
		}
		for _, e := range f.Defaults.Entries {
			if !seen[e.Key] {
				list = append(list, e)
			}
		}
	}
	return list
}

// parseINI reads the dialect of the Python RQD: the first "=" or ":" delimits, comments have
// lines of their own, a line indented deeper than its key continues the value, names keep
// their case. A section or key that comes twice, a key before the first section and a byte
// order mark are errors. It goes on after an error, so that all of them are found at once.
func parseINI(file string, text []byte) (*ini, []*Error) {
	p := &iniParser{file: file, out: &ini{Defaults: section{Name: defaultSection}}, seen: make(map[[2]string]bool)}
	content := string(text)
	if rest, ok := strings.CutPrefix(content, "\ufeff"); ok {
		p.line = 1
		p.fail("", "starts with a byte order mark; save it as UTF-8 without one")
		content = rest
	}
	content = strings.ReplaceAll(content, "\r\n", "\n")
	content = strings.ReplaceAll(content, "\r", "\n")
	for i, line := range strings.Split(content, "\n") {
		p.line = i + 1
		if bad, ok := unreadable(line); ok {
			p.fail("", fmt.Sprintf("has %s; want UTF-8 text", bad))
			continue
		}
		p.read(line)
	}
	p.finish()
	return p.out, p.errs
}

// unreadable names what no text file holds.
func unreadable(line string) (string, bool) {
	if !utf8.ValidString(line) {
		return "bytes that are not UTF-8", true
	}
	for _, r := range line {
		if r != '\t' && unicode.IsControl(r) {
			return fmt.Sprintf("the control character %U", r), true
		}
	}
	return "", false
}

// iniParser holds where the reading stands.
type iniParser struct {
	file     string
	line     int
	out      *ini
	errs     []*Error
	seen     map[[2]string]bool // Section and key.
	current  *section           // nil before the first header.
	orphaned bool               // A key before the first header was complained of.
	key      *entry             // The one that a deeper line continues.
	lines    []string           // Its value so far.
	indent   int
}

func (p *iniParser) fail(key, text string) {
	place := Place{File: p.file, Line: p.line, Key: key}
	if p.current != nil {
		place.Section = p.current.Name
	}
	p.errs = append(p.errs, &Error{Place: place, Text: text})
}

// read takes one line. Blank lines inside a value belong to it, comment lines do not.
func (p *iniParser) read(line string) {
	content := strings.TrimSpace(line)
	if strings.HasPrefix(content, "#") || strings.HasPrefix(content, ";") {
		return
	}
	if content == "" {
		if p.key != nil && !p.key.Bare {
			p.lines = append(p.lines, "")
		}
		return
	}
	before, _, _ := strings.Cut(line, content)
	indent := utf8.RuneCountInString(before)
	if p.key != nil && indent > p.indent {
		if p.key.Bare {
			p.fail(p.key.Key, fmt.Sprintf("line %q continues a key without a value; want it at the key's indentation", content))
			return
		}
		p.lines = append(p.lines, content)
		return
	}
	p.finish()
	p.indent = indent
	if name, ok := header(content); ok {
		p.open(name)
		return
	}
	p.add(content)
}

// header is the name in a section's brackets. What follows the last bracket is not looked at.
func header(content string) (string, bool) {
	end := strings.LastIndexByte(content, ']')
	if content[0] != '[' || end < 2 {
		return "", false
	}
	return content[1:end], true
}

func (p *iniParser) open(name string) {
	if name == defaultSection {
		p.current = &p.out.Defaults
		return
	}
	for _, s := range p.out.Sections {
		if s.Name == name {
			p.current = s
			p.fail("", fmt.Sprintf("section comes again, it began in line %d; want it once", s.Line))
			return
		}
	}
	p.current = &section{Name: name, Line: p.line}
	p.out.Sections = append(p.out.Sections, p.current)
}

func (p *iniParser) add(content string) {
	if p.current == nil {
		if !p.orphaned {
			p.fail("", fmt.Sprintf("%q stands before the first section; want a line like [Override] above it", content))
		}
		p.orphaned = true
		return
	}
	e := entry{Key: content, Bare: true, Line: p.line, Home: p.current.Name}
	if i := strings.IndexAny(content, "=:"); i >= 0 {
		e.Key, e.Value, e.Bare = strings.TrimSpace(content[:i]), strings.TrimSpace(content[i+1:]), false
	}
	if e.Key == "" {
		p.fail("", fmt.Sprintf("%q has no key; want KEY = value", content))
		return
	}
	if id := [2]string{e.Home, e.Key}; p.seen[id] {
		p.fail(e.Key, "comes twice in its section; want it once")
	} else {
		p.seen[id] = true
	}
	p.key, p.lines = &e, []string{e.Value}
}

// finish stores the key whose value is complete now.
func (p *iniParser) finish() {
	if p.key == nil {
		return
	}
	p.key.Value = strings.TrimRightFunc(strings.Join(p.lines, "\n"), unicode.IsSpace)
	p.current.Entries = append(p.current.Entries, *p.key)
	p.key, p.lines = nil, nil
}
