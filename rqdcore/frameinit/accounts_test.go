package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rqdswarm/internal/wire"
)

const ownMounts = `30 20 0:40 / / rw - overlay overlay rw
31 30 0:41 / /proc rw - proc proc rw
`

// image makes a small root file system out of paths and texts.
func image(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		full := filepath.Join(root, path)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		must(t, os.WriteFile(full, []byte(text), 0o644))
	}
	return root
}

func TestAccountsAdd(t *testing.T) {
	t.Parallel()
	artist := wire.Order{UserName: "artist", UID: 1500, GID: 20, Home: "/home/artist", Shell: "/bin/sh"}
	const entry, groupEntry = "artist:x:1500:20::/home/artist:/bin/sh\n", "artist:x:20:\n"
	odd := artist
	odd.Home = "/home/a:b"
	root := artist
	root.UserName = "x:0:0::/:/bin/sh\nroot"
	for _, tc := range []struct {
		name                string
		order               wire.Order
		passwd, group       string
		wantPasswd, wantGrp string
	}{
		{"to an empty image", artist, "", "", entry, groupEntry},
		{"to others", artist, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n", "root:x:0:0::/:/bin/sh\n" + entry, "root:x:0:\n" + groupEntry},
		{"after a line without an end", artist, "root:x:0:0::/:/bin/sh", "root:x:0:", "root:x:0:0::/:/bin/sh\n" + entry, "root:x:0:\n" + groupEntry},
		{"known", artist, entry, "games:x:20:\n", entry, "games:x:20:\n"},
		{"the uid is another's", artist, "ubuntu:x:1500:1500::/:/bin/sh\n", "", "ubuntu:x:1500:1500::/:/bin/sh\n" + entry, groupEntry},
		{"the name has another uid", artist, "artist:x:7:7::/:/bin/sh\n", "artist:x:7:\n", "artist:x:7:7::/:/bin/sh\n" + entry, "artist:x:7:\ngid20:x:20:\n"},
		{"a home that would break the line", odd, "", "", "artist:x:1500:20:::/bin/sh\n", groupEntry},
		{"a name that would add root", root, "a:x:1:1::/:\n", "a:x:1:\n", "a:x:1:1::/:\n", "a:x:1:\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := image(t, map[string]string{"etc/passwd": tc.passwd, "etc/group": tc.group, "proc/self/mountinfo": ownMounts})
			accounts{dir}.add(&tc.order)
			if have := readText(t, dir, "etc/passwd"); have != tc.wantPasswd {
				t.Errorf("passwd: have %q, want %q", have, tc.wantPasswd)
			}
			if have := readText(t, dir, "etc/group"); have != tc.wantGrp {
				t.Errorf("group: have %q, want %q", have, tc.wantGrp)
			}
		})
	}
}

// TestAccountsKeepMode adds to files that not all may read, and leaves nothing else behind.
func TestAccountsKeepMode(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"etc/passwd": "", "etc/group": "", "proc/self/mountinfo": ownMounts})
	must(t, os.Chmod(filepath.Join(dir, "etc/passwd"), 0o640))
	accounts{dir}.add(&wire.Order{UserName: "artist", UID: 1500, GID: 20})
	list, err := os.ReadDir(filepath.Join(dir, "etc"))
	must(t, err)
	var have []string
	for _, entry := range list {
		info, err := entry.Info()
		must(t, err)
		have = append(have, info.Name()+" "+info.Mode().String())
	}
	if want := []string{"group -rw-r--r--", "passwd -rw-r-----"}; !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}

func readText(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return string(text)
}

func TestAccountsLeavesWhatIsNotTheContainers(t *testing.T) {
	t.Parallel()
	o := wire.Order{UserName: "artist", UID: 1500, GID: 20}
	for _, tc := range []struct{ name, mounts string }{
		{"a mounted file", ownMounts + "32 30 8:1 /etc/passwd /etc/passwd rw - ext4 /dev/sda1 rw\n"},
		{"a mounted directory", ownMounts + "32 30 8:1 /srv/etc /etc rw - nfs filer:/etc rw\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := image(t, map[string]string{"etc/passwd": "root:x:0:0::/:\n", "proc/self/mountinfo": tc.mounts})
			accounts{dir}.add(&o)
			if have := readText(t, dir, "etc/passwd"); have != "root:x:0:0::/:\n" {
				t.Errorf("passwd: have %q, want it as it was", have)
			}
		})
	}
	t.Run("a symbolic link", func(t *testing.T) {
		t.Parallel()
		dir := image(t, map[string]string{"elsewhere": "", "etc/group": "", "proc/self/mountinfo": ownMounts})
		must(t, os.Symlink("../elsewhere", filepath.Join(dir, "etc/passwd")))
		accounts{dir}.add(&o)
		if have := readText(t, dir, "elsewhere"); have != "" {
			t.Errorf("have %q behind the link, want nothing", have)
		}
	})
}

// TestAccountsGroups takes the groups of a group file as a login would, but never root's.
func TestAccountsGroups(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"etc/group": "root:x:0:artist\nshow:x:4000:other,artist\nart:x:4001:artistic\nbroken:x\nodd:x:many:artist\n" +
		"huge:x:4294967296:artist\nlast:x:4002:artist"})
	if have, want := (accounts{dir}).groups("artist"), []int{4000, 4002}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	if have := (accounts{dir}).groups(""); have != nil {
		t.Errorf("of nobody: have %v, want none", have)
	}
	if have := (accounts{t.TempDir()}).groups("artist"); have != nil {
		t.Errorf("without a file: have %v, want none", have)
	}
}

func TestAccountsHome(t *testing.T) {
	t.Parallel()
	dir := image(t, map[string]string{"etc/passwd": "short:x:1\nblender:x:1000:1000::/home/blender:/bin/bash\n"})
	for uid, want := range map[int]string{1000: "/home/blender", 1: "", 1500: ""} {
		if have := (accounts{dir}).home(uid); have != want {
			t.Errorf("uid %d: have %q, want %q", uid, have, want)
		}
	}
}

func TestCommandEnv(t *testing.T) {
	t.Parallel()
	o := &wire.Order{UserName: "artist", Home: "/home/artist", Shell: "/bin/sh", Environment: map[string]string{
		"PATH": "/bin", "USER": "cue", wire.TokenEnv: "x", "NUL": "a\x00b", "": "y",
	}}
	have := commandEnv([]string{"HOME=/root", "PATH=/usr/bin", "LANG=C", wire.TokenEnv + "=x", "odd"}, o)
	want := "HOME=/home/artist LANG=C LOGNAME=artist PATH=/bin SHELL=/bin/sh USER=cue"
	if strings.Join(have, " ") != want {
		t.Errorf("have %q, want %q", have, want)
	}
}

func TestExplainNamesImageShellAndKey(t *testing.T) {
	t.Parallel()
	l := launcher{order: &wire.Order{Image: "img:1", Shell: "/bin/tcsh", UID: 1500, Command: "xx"}}
	for errno, want := range map[error]string{
		errnoError(2):  "cannot start the command: /bin/tcsh of image img:1 (DOCKER_SHELL_PATH) needs a loader or interpreter that the image does not have",
		errnoError(8):  "cannot start the command: /bin/tcsh of image img:1 (DOCKER_SHELL_PATH) is no program for this machine",
		errnoError(7):  "cannot start the command: it has 2 bytes, and the kernel takes 131071 in one argument or variable and 2 MB in all",
		errnoError(12): "cannot start the command: /bin/tcsh of image img:1 (DOCKER_SHELL_PATH): cannot allocate memory",
	} {
		if have := l.explain(errno).Error(); have != want {
			t.Errorf("have %q, want %q", have, want)
		}
	}
}
