package config

import (
	"errors"
	"net"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// hostTimeout is how long Cuebot waits for a silent host before it books its frames elsewhere.
	hostTimeout = 300 * time.Second
	// ReportGap is how old the last report that Cuebot has may be when RQD is lost: the lease begins only then.
	ReportGap = 40 * time.Second
	// confirmTime is how long a killed frame may live: Cuebot asks for 5 to 10 s whether it is gone.
	confirmTime = 3 * time.Second
)

// settle fills in what depends on several keys and checks what no key says alone.
func (l *loader) settle() {
	if len(l.cfg.Cuebots) == 0 {
		l.cuebotsFromEnvironment()
	}
	l.cfg.Cuebots = withPort(l.cfg.Cuebots, l.cfg.CuebotPort)
	for _, name := range []string{"TMP", "TEMP", "TMPDIR"} {
		if dir := l.env[name]; dir != "" {
			l.cfg.TempDir = dir
		}
	}
	l.checkHostName()
	l.checkTimes()
	if !l.cfg.runOnDocker && len(l.cfg.Docker.Images) > 0 {
		l.warn(Place{File: l.cfg.Path, Section: sectionDocker, Key: "RUN_ON_DOCKER"}, "is not True; frames run in containers all the same")
	}
	l.cfg.runOnDocker = true
}

// checkTimes warns where frames may live longer than Cuebot expects of them.
func (l *loader) checkTimes() {
	lease, grace := l.cfg.FrameLease, l.cfg.KillGrace
	if sum := lease + grace + ReportGap; lease > 0 && sum >= hostTimeout {
		l.warn(l.origin("FRAME_LEASE_SECONDS"), "%d s, KILL_GRACE_SECONDS=%d and the age of the last report, up to %d s, make %d s: want less than the %d s after which Cuebot books the frames of a silent host elsewhere, or two hosts may write the same files",
			lease/time.Second, grace/time.Second, ReportGap/time.Second, sum/time.Second, hostTimeout/time.Second)
	}
	if grace > confirmTime {
		l.warn(l.origin("KILL_GRACE_SECONDS"), "%d s is more than %d s: Cuebot waits 5 to 10 s for a killed frame to be gone, and gives up on retrying one that is not",
			grace/time.Second, confirmTime/time.Second)
	}
}

// origin is where the value of an agent's key came from.
func (l *loader) origin(key string) Place {
	if strings.TrimSpace(l.env[key]) != "" {
		return Place{Key: key}
	}
	return Place{File: l.cfg.Path, Section: sectionOverride, Key: key}
}

// cuebotsFromEnvironment serves hosts whose file names no Cuebot.
func (l *loader) cuebotsFromEnvironment() {
	text := l.env[variableCuebot]
	if strings.TrimSpace(text) == "" {
		text = "localhost"
	}
	cuebots, err := cuebotNames().parse(text)
	if err != nil {
		l.fail(Place{Key: variableCuebot}, "%q: %v", text, err)
	}
	l.cfg.Cuebots = cuebots
}

// checkHostName refuses a name that Cuebot would answer OK to and never store.
func (l *loader) checkHostName() {
	name := l.cfg.HostName
	short, _, _ := strings.Cut(name, ".")
	if net.ParseIP(name) != nil {
		short = name
	}
	place := Place{File: l.cfg.Path, Section: sectionOverride, Key: "OVERRIDE_HOSTNAME"}
	switch {
	case strings.ContainsAny(name, " \t/"):
		l.fail(place, "%q: want a host name", name)
	case utf8.RuneCountInString(short) > maxHostName:
		l.fail(place, "%q: want at most %d characters before the first dot, Cuebot stores no more", name, maxHostName)
	case utf8.RuneCountInString(name) > maxFQDN:
		l.fail(place, "%q: want at most %d characters, Cuebot stores no more", name, maxFQDN)
	}
}

// checkTag refuses a tag that Cuebot would answer OK to and never store.
func checkTag(tag string) error {
	if utf8.RuneCountInString(tag) > maxTag {
		return errors.New("want a tag of at most 45 characters, Cuebot stores no more")
	}
	return nil
}
