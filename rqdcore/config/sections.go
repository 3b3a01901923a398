package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// Most that Cuebot stores, counted in characters. It answers OK to more and drops the report.
const (
	maxOS       = 32
	maxTag      = 45
	maxHostName = 45
	maxFQDN     = 128
)

// readHostEnv reads the names of variables that frames get from RQD's own environment.
func (l *loader) readHostEnv() {
	for _, e := range l.file.entries(sectionHostEnv) {
		if strings.ContainsAny(e.Key, " \t") {
			l.fail(l.place(e), "is not a variable's name; want one name a line%s", leak(e, sectionHostEnv))
			continue
		}
		l.cfg.HostEnvVars = append(l.cfg.HostEnvVars, e.Key)
	}
	if len(l.cfg.HostEnvVars) > 0 && l.cfg.UseAllHostEnvVars {
		l.cfg.UseAllHostEnvVars = false
		l.warn(Place{File: l.cfg.Path, Section: sectionOverride, Key: "RQD_USE_ALL_HOST_ENV_VARS"},
			"has no effect: [%s] names the variables to take", sectionHostEnv)
	}
}

// readImages reads the images from OVERRIDE_DOCKER_IMAGES, else from the file.
func (l *loader) readImages() {
	if text := l.env[variableImages]; strings.TrimSpace(text) != "" {
		place := Place{Key: variableImages}
		for item := range strings.SplitSeq(text, ",") {
			os, ref, ok := strings.Cut(strings.TrimSpace(item), "=")
			if !ok {
				l.fail(place, "%q: want OS=IMAGE items separated by commas", item)
				continue
			}
			l.addImage(place, Image{OS: strings.TrimSpace(os), Reference: strings.TrimSpace(ref)}, "")
		}
		l.checkImages(place)
		return
	}
	for _, e := range l.file.entries(sectionImages) {
		l.addImage(l.place(e), Image{OS: e.Key, Reference: e.Value}, leak(e, sectionImages))
	}
	l.checkImages(Place{File: l.cfg.Path, Section: sectionImages})
}

func (l *loader) addImage(p Place, image Image, note string) {
	if !isOS(image.OS) {
		l.fail(p, "%q is not a name that Cuebot can match; want one without blanks, commas and punctuation%s", image.OS, note)
	}
	for _, other := range l.cfg.Docker.Images {
		if other.OS == image.OS {
			l.fail(p, "%q comes twice; want one image for each system", image.OS)
		}
	}
	if _, err := reference.ParseAnyReference(image.Reference); err != nil {
		l.fail(p, "%q: %v; want an image such as registry:5000/rocky9:2.1%s", image.Reference, err, note)
	}
	l.cfg.Docker.Images = append(l.cfg.Docker.Images, image)
}

// isOS refuses names that Cuebot would split or trim, and those that rqd.conf could not hold.
func isOS(name string) bool {
	return name != "" && !strings.ContainsAny(name, ",:=#;[]") && len(strings.Fields(name)) == 1
}

// checkImages wants something to run frames in, and no more systems than Cuebot can store.
func (l *loader) checkImages(p Place) {
	if len(l.cfg.Docker.Images) == 0 {
		where := "[" + sectionImages + "] of " + l.cfg.Path
		if l.cfg.Path == "" {
			where = "[" + sectionImages + "] of rqd.conf (no file was read)"
		}
		l.fail(Place{}, "no images: RQD runs frames in containers only; want at least one line OS=IMAGE in %s, or the variable %s",
			where, variableImages)
		return
	}
	if sp := l.cfg.SPOS(); len([]rune(sp)) > maxOS {
		l.fail(p, "the names %q make %d characters; Cuebot stores %d, want fewer or shorter names", sp, len([]rune(sp)), maxOS)
	}
}

// readMounts reads the mounts that every frame gets.
func (l *loader) readMounts() {
	taken := make(map[string]string)
	for _, e := range l.file.entries(sectionMounts) {
		m, ignored, err := ParseMount(e.Value)
		if err != nil {
			l.fail(l.place(e), "%q: %v%s", e.Value, err, leak(e, sectionMounts))
			continue
		}
		for _, name := range ignored {
			l.warn(l.place(e), "item %q has no effect%s", name, perhapsItem(name))
		}
		target := path.Clean(m.Target)
		if other, twice := taken[target]; twice {
			l.fail(l.place(e), "%q: target %q is that of %s too; want one mount for each", e.Value, m.Target, other)
		}
		taken[target] = e.Key
		l.cfg.Docker.Mounts = append(l.cfg.Docker.Mounts, m)
	}
	for target := range l.cfg.Docker.Tmpfs {
		if other, twice := taken[path.Clean(target)]; twice {
			l.fail(Place{File: l.cfg.Path, Section: sectionDocker, Key: "DOCKER_TMPFS"},
				"%q: path is the target of %s in [%s] too; want one of them", target, other, sectionMounts)
		}
	}
}

func perhapsItem(name string) string {
	known := make([]string, 0, len(mountNames))
	for item := range mountNames {
		known = append(known, item)
	}
	slices.Sort(known)
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf(", perhaps %s is meant", near)
	}
	return ""
}
