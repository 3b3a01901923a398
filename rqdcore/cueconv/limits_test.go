package cueconv_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"rqdswarm/rqdcore/cueconv"
)

// The largest order that is taken really runs here, and the kernel refuses what is refused.
func TestLimitsAreTheKernels(t *testing.T) {
	t.Parallel()
	large := order()
	large.Command = "true #" + strings.Repeat("x", 128<<10-1-len("true #"))
	for i := range 10_000 {
		large.Environment[fmt.Sprintf("VARIABLE_%05d", i)] = strings.Repeat("v", 150)
	}
	f, err := cueconv.Frame(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(f.Command, f.Environment); err != nil {
		t.Errorf("an order that was taken: %v", err)
	}

	if err := run(large.GetCommand()+"x", nil); !errors.Is(err, syscall.E2BIG) {
		t.Errorf("a longer command: have %v, want %v", err, syscall.E2BIG)
	}
	for i := range 3_500 {
		large.Environment[fmt.Sprintf("WARIABLE_%05d", i)] = strings.Repeat("v", 150)
	}
	if _, err := cueconv.Frame(large); err == nil {
		t.Errorf("a larger environment was taken")
	}
	if err := run(large.GetCommand(), large.GetEnvironment()); !errors.Is(err, syscall.E2BIG) {
		t.Errorf("a larger environment: have %v, want %v", err, syscall.E2BIG)
	}
}

func run(command string, environment map[string]string) error {
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Env = []string{}
	for k, v := range environment {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd.Run()
}
