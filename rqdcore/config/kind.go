package config

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rqdswarm/internal/logging"
)

// kind is how one sort of value is written: its name in the documentation, and both ways of
// translation. The error of parse says what would be right; the caller adds what was there.
type kind[T any] struct {
	name   string
	parse  func(string) (T, error)
	format func(T) string
}

func boolean() kind[bool] {
	return kind[bool]{"bool", parseBool, func(b bool) string {
		if b {
			return "True"
		}
		return "False"
	}}
}

// parseBool knows the words of Python's configparser.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "1", "yes", "true", "on":
		return true, nil
	case "0", "no", "false", "off":
		return false, nil
	}
	return false, errors.New("want True or False (also yes, no, on, off, 1, 0)")
}

// whole is a number from low to high.
func whole(unit string, low, high int64) kind[int64] {
	return kind[int64]{
		strings.TrimSpace("int " + unit),
		func(text string) (int64, error) {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < low || n > high {
				return 0, fmt.Errorf("want a whole number from %d to %d", low, high)
			}
			return n, nil
		},
		func(n int64) string { return strconv.FormatInt(n, 10) },
	}
}

func number(low, high int64) kind[int] {
	wide := whole("", low, high)
	return kind[int]{
		wide.name,
		func(text string) (int, error) { n, err := wide.parse(text); return int(n), err },
		strconv.Itoa,
	}
}

func seconds(high int64) kind[time.Duration] {
	wide := whole("s", 0, high)
	return kind[time.Duration]{
		wide.name,
		func(text string) (time.Duration, error) {
			n, err := wide.parse(text)
			return time.Duration(n) * time.Second, err
		},
		func(d time.Duration) string { return wide.format(int64(d / time.Second)) },
	}
}

// limit is a number of bytes of which anything up to 0 means none.
func limit() kind[int64] {
	wide := whole("bytes", -1<<62, 1<<62)
	return kind[int64]{
		wide.name,
		func(text string) (int64, error) { n, err := wide.parse(text); return max(n, 0), err },
		wide.format,
	}
}

// text is one line that is not empty.
func text() kind[string] {
	return kind[string]{"string", parseLine, func(s string) string { return s }}
}

func parseLine(text string) (string, error) {
	if text == "" || strings.Contains(text, "\n") {
		return "", errors.New("want one line of text")
	}
	return text, nil
}

// directory is an absolute path.
func directory() kind[string] {
	return kind[string]{"path", func(text string) (string, error) {
		if _, err := parseLine(text); err != nil || !path.IsAbs(text) {
			return "", errors.New("want an absolute path")
		}
		return text, nil
	}, func(s string) string { return s }}
}

// words is a list separated by blanks or line breaks, of which each word is checked by check.
func words(name string, check func(string) error) kind[[]string] {
	return list(name, strings.Fields, func(word string) (string, error) { return word, check(word) }, func(s string) string { return s })
}

// list is several values of one sort. An empty text is an empty list.
func list[T any](name string, split func(string) []string, parse func(string) (T, error), format func(T) string) kind[[]T] {
	return kind[[]T]{name, func(text string) ([]T, error) {
		var out []T
		for _, word := range split(text) {
			v, err := parse(word)
			if err != nil && word == text {
				return nil, err
			}
			if err != nil {
				return nil, fmt.Errorf("%q: %w", word, err)
			}
			out = append(out, v)
		}
		return out, nil
	}, func(in []T) string {
		texts := make([]string, len(in))
		for i, v := range in {
			texts[i] = format(v)
		}
		return strings.Join(texts, " ")
	}}
}

// commaWords splits at blanks and commas.
func commaWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

func level() kind[string] {
	return kind[string]{"log level", func(text string) (string, error) {
		if _, err := logging.ParseLevel(text); err != nil {
			return "", errors.New("want DEBUG, INFO, WARNING, ERROR or CRITICAL")
		}
		return text, nil
	}, func(s string) string { return s }}
}

// units are those of docker run's sizes.
var units = []struct {
	suffix string
	factor int64
}{{"t", 1 << 40}, {"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}}

// size is a number of bytes as docker run takes it: 64m, 2g, 1073741824.
func size() kind[int64] {
	return kind[int64]{"size", parseSize, func(n int64) string { return strconv.FormatInt(n, 10) }}
}

func parseSize(text string) (int64, error) {
	want := errors.New("want a size like 64m, 2g or a number of bytes")
	digits := strings.TrimSuffix(strings.ToLower(text), "b")
	for _, u := range units {
		if rest, ok := strings.CutSuffix(digits, u.suffix); ok {
			n, err := strconv.ParseInt(rest, 10, 64)
			if err != nil || n < 0 || n > (1<<62)/u.factor {
				return 0, want
			}
			return n * u.factor, nil
		}
	}
	return 0, want
}
