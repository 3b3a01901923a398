package cli

import (
	"fmt"
	"math"
	"os"
	"os/user"
	"strconv"
	"strings"

	"rqdswarm/rqdcore/minicue/farm"
)

// cores is a number of cores such as 2 or 0.5.
type cores farm.Points

// UnmarshalText reads the number.
func (c *cores) UnmarshalText(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n > 0 && n <= 10_000) { // Not a number is refused as well.
		return fmt.Errorf("%q: want a number of cores such as 2 or 0.5", text)
	}
	*c = cores(math.Round(n * 100))
	return nil
}

// memory is a size in KiB, written with a unit.
type memory int64

// UnmarshalText reads the size.
func (m *memory) UnmarshalText(text []byte) error {
	number := strings.ToLower(string(text))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "b"), "i")
	kib := 0.0
	for unit, size := range map[string]float64{"k": 1, "m": 1 << 10, "g": 1 << 20, "t": 1 << 30} {
		if cut, ok := strings.CutSuffix(number, unit); ok {
			number, kib = cut, size
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(n*kib > 0 && n*kib <= 1<<40) { // Not a number is refused as well.
		return fmt.Errorf("%q: want a size with a unit such as 512m or 1.5g", text)
	}
	*m = memory(math.Ceil(n * kib))
	return nil
}

// frameRange is a range of frames, checked.
type frameRange string

// UnmarshalText checks the range.
func (r *frameRange) UnmarshalText(text []byte) error {
	if _, err := farm.ParseRange(string(text)); err != nil {
		return err
	}
	*r = frameRange(text)
	return nil
}

// Whom frames run as when root submits them: RQD refuses root, and the frames of somebody
// who tries things out as root should run all the same.
const (
	rootsArtist    = "artist"
	rootsArtistUID = 1500
)

// submitter is whose frames they are: the flags, or who runs minicue.
func submitter(name string, uid *int32) (string, *int32) {
	own := int32(os.Getuid())
	ownName := ""
	if u, err := user.Current(); err == nil {
		ownName = u.Username
	}
	if own == 0 || ownName == "" {
		if own == 0 {
			own = rootsArtistUID
		}
		ownName = rootsArtist
	}
	if uid == nil {
		uid = &own
	}
	if name == "" {
		name = ownName
	}
	return name, uid
}

// commandLine is what follows -- as one shell command line: one argument is taken as it is,
// several are quoted so that the shell makes the same arguments of them.
func commandLine(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = shellQuote(a)
	}
	return strings.Join(quoted, " ")
}

const plainBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./-_"

func shellQuote(s string) string {
	plain := s != ""
	for _, r := range s {
		plain = plain && strings.ContainsRune(plainBytes, r)
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
