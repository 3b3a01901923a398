package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"rqdswarm/internal/wire"
)

// launcher starts the command once. It runs in a goroutine of its own: each step may hang in the kernel.
type launcher struct {
	order    *wire.Order
	accounts accounts
	environ  []string // frameinit's own, which is the image's.
	output   *os.File
	say      func(string) // Into the rqlog.
}

// start returns the pid of the command, or why there is none.
func (l launcher) start() (int, error) {
	o := l.order
	if o.Home == "" {
		o.Home = l.accounts.home(o.UID)
	}
	if o.Home == "" {
		o.Home = "/home/" + o.UserName
	}
	l.accounts.add(o)
	score := openOOMScore()
	defer score.close()
	o.Groups = append(slices.Clone(o.Groups), l.accounts.groups(o.UserName)...)
	if err := becomeArtist(o); err != nil {
		return 0, fmt.Errorf("cannot become the artist: %w", err)
	}
	l.enterWorkingDir()
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return 0, fmt.Errorf("cannot start the command in image %s: %w", o.Image, err)
	}
	defer stdin.Close()
	score.forCommand()
	defer score.forFrameinit()
	return l.fork(stdin)
}

func (l launcher) enterWorkingDir() {
	dir := l.order.WorkingDir
	if dir == "" {
		dir = "/"
	}
	err := syscall.Chdir(dir)
	if err == nil {
		return
	}
	l.say(fmt.Sprintf("working directory %s cannot be entered (%v), the command runs in /", dir, err))
	_ = syscall.Chdir("/")
}

func (l launcher) fork(stdin *os.File) (int, error) {
	o := l.order
	if err := l.probe(); err != nil {
		return 0, err
	}
	// The niceness of a thread goes over to what it starts, and could never be taken back:
	// this goroutine keeps its thread, which ends with it.
	runtime.LockOSThread()
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, o.Nice) // Less than 0 is refused; it runs all the same.
	out := l.output.Fd()
	pid, err := syscall.ForkExec(o.Shell, []string{o.Shell, "-c", o.Command}, &syscall.ProcAttr{
		Env:   commandEnv(l.environ, o),
		Files: []uintptr{stdin.Fd(), out, out},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, l.explain(err)
	}
	return pid, nil
}

// commandEnv lays the order's environment over the image's. What it says of the user counts.
func commandEnv(image []string, o *wire.Order) []string {
	env := make(map[string]string, len(image)+len(o.Environment)+4)
	for _, entry := range image {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			env[name] = value
		}
	}
	env["HOME"], env["USER"], env["LOGNAME"], env["SHELL"] = o.Home, o.UserName, o.UserName, o.Shell
	maps.Copy(env, o.Environment)
	delete(env, wire.TokenEnv)
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		entry := name + "=" + env[name]
		if !strings.ContainsRune(entry, 0) && name != "" {
			list = append(list, entry)
		}
	}
	return list
}

// probe finds what the kernel would only say in one word.
func (l launcher) probe() error {
	o := l.order
	if strings.ContainsRune(o.Command, 0) {
		return errors.New("cannot start the command: it contains a NUL character")
	}
	info, err := os.Stat(o.Shell)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("cannot start the command: image %s has no %s: set DOCKER_SHELL_PATH in [docker.config] to a shell that it has%s",
			o.Image, o.Shell, suggestion())
	case err != nil:
		return fmt.Errorf("cannot start the command: %s of image %s (DOCKER_SHELL_PATH): %w", o.Shell, o.Image, plainError(err))
	case info.IsDir():
		return fmt.Errorf("cannot start the command: %s of image %s is a directory: set DOCKER_SHELL_PATH in [docker.config] to a shell%s",
			o.Shell, o.Image, suggestion())
	}
	return nil
}

// explain says what the kernel's error means for the image, the shell and the command.
func (l launcher) explain(err error) error {
	o := l.order
	switch {
	case errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("cannot start the command: %s of image %s (DOCKER_SHELL_PATH) needs a loader or interpreter that the image does not have", o.Shell, o.Image)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot start the command: %s of image %s (DOCKER_SHELL_PATH) may not be executed by uid %d", o.Shell, o.Image, o.UID)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("cannot start the command: %s of image %s (DOCKER_SHELL_PATH) is no program for this machine", o.Shell, o.Image)
	case errors.Is(err, syscall.E2BIG):
		return fmt.Errorf("cannot start the command: it has %d bytes, and the kernel takes 131071 in one argument or variable and 2 MB in all", len(o.Command))
	}
	return fmt.Errorf("cannot start the command: %s of image %s (DOCKER_SHELL_PATH): %w", o.Shell, o.Image, plainError(err))
}

// suggestion names the usual shell that the image does have.
func suggestion() string {
	for _, shell := range []string{"/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh", "/busybox/sh"} {
		if info, err := os.Stat(shell); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return ", for example " + shell
		}
	}
	return "; it seems to have none"
}
