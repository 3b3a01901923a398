package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"rqdswarm/internal/buildinfo"
)

// Env is all that the command touches of the process it runs in.
type Env struct {
	Args    []string // Without the program's name.
	Stdout  io.Writer
	Stderr  io.Writer
	Signals <-chan os.Signal // Of those that ask for an end: interrupt, termination, hang-up.
}

// command is the whole command line.
type command struct {
	Server  string           `help:"Control address of minicue serve (default ${default})." placeholder:"HOST:PORT" default:"127.0.0.1:8442" env:"MINICUE_SERVER"`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Serve        serveCmd        `cmd:"" help:"Be a Cuebot: take reports on port 8443, launch frames on port 8444 of the hosts."`
	Run          runCmd          `cmd:"" help:"Submit frames, show how they go, exit as the first that failed."`
	Hosts        hostsCmd        `cmd:"" help:"List the hosts that have reported."`
	Frames       framesCmd       `cmd:"" help:"List the frames."`
	Kill         killCmd         `cmd:"" help:"Kill frames for good."`
	Lock         lockCmd         `cmd:"" help:"Keep frames away from a host; what runs there goes on."`
	Unlock       unlockCmd       `cmd:"" help:"Let frames on a host again."`
	Wait         waitCmd         `cmd:"" help:"Wait until frames are over, or until hosts are up."`
	Contactsheet contactsheetCmd `cmd:"" help:"Put rendered pictures on one sheet (PNG)."`
}

// Exit codes besides those of frames.
const (
	exitFailed = 1
	exitUsage  = 2
)

// exitError ends the command with a code. Without a cause nothing more is printed.
type exitError struct {
	code  int
	cause error
}

// Error is the cause's text.
func (e *exitError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.cause.Error()
}

// usage marks an error as one of the command line.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUsage, cause: err}
}

// Main runs the command and returns its exit code.
func Main(env Env) int {
	var c command
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("minicue"),
		kong.Description("A small Cuebot in memory, to try and to test RQD with."),
		kong.Vars{"version": buildinfo.Version},
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(code int) { exited = code; panic(stop{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fail(env, err)
	}
	parsed, err := parse(parser, env.Args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		return fail(env, usage(fmt.Errorf("%w (see minicue --help)", err)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(&env, newClient(c.Server)); err != nil {
		return fail(env, err)
	}
	return 0
}

// stop unwinds kong's parser after --help and --version, which print and then want the process gone.
type stop struct{}

func parse(parser *kong.Kong, args []string) (ctx *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stop); !ok {
				panic(r)
			}
		}
	}()
	return parser.Parse(args)
}

// fail prints the one line that says what is wrong and returns the exit code.
func fail(env Env, err error) int {
	code, e := exitFailed, (*exitError)(nil)
	if errors.As(err, &e) {
		code = e.code
		if e.cause == nil {
			return code
		}
	}
	fmt.Fprintf(env.Stderr, "minicue: %v\n", err)
	return code
}
