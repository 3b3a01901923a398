package cueconv_test

import (
	"errors"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	"rqdswarm/rqdcore/cueconv"
	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
)

// FuzzFrame feeds the bytes of a RunFrame as they come from the network. What is taken must be
// safe to build a log file, a passwd entry and a process from, and survive the way back.
func FuzzFrame(f *testing.F) {
	for _, raw := range realOrders(f) {
		req := &rqdpb.RqdStaticLaunchFrameRequest{}
		if err := proto.Unmarshal(raw, req); err != nil {
			f.Fatal(err)
		}
		one, err := proto.Marshal(req.GetRunFrame())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(one)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		order := &rqdpb.RunFrame{}
		if proto.Unmarshal(raw, order) != nil {
			return
		}
		have, err := cueconv.Frame(order)
		if err != nil {
			if !errors.Is(err, frame.ErrInvalid) || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Fatalf("refused with %q", err)
			}
			return
		}
		check(t, have)
		again, err := cueconv.Frame(cueconv.RunFrame(have))
		if err != nil {
			t.Fatalf("taken once, refused when sent again: %v", err)
		}
		if diff := cmp.Diff(have, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("there and back (-want +have):\n%s", diff)
		}
	})
}

func check(t *testing.T, f frame.Frame) {
	t.Helper()
	if f.ID == "" || f.Cores <= 0 || f.GPUs < 0 || f.GID < 0 || f.UID != nil && *f.UID <= 0 || f.SoftMemory < 0 || f.HardMemory < 0 {
		t.Fatalf("took %+v", f)
	}
	file := filepath.Join(f.LogDir, f.LogFile())
	if f.LogDir != "" && (!path.IsAbs(f.LogDir) || path.Dir(file) != f.LogDir) {
		t.Fatalf("took log_dir %q with log file %q", f.LogDir, f.LogFile())
	}
	for _, s := range []string{f.ID, f.ResourceID, f.JobID, f.LayerID, f.JobName, f.Name, f.UserName, f.LogDir, f.OS, f.Show, f.Shot} {
		if strings.ContainsAny(s, "\x00\n") {
			t.Fatalf("took %q", s)
		}
	}
	if strings.ContainsAny(f.UserName, ":/") {
		t.Fatalf("took user %q", f.UserName)
	}
}
