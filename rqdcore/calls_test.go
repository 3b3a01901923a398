//go:build integration

package main_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

func kill(t *testing.T, rqd rqdpb.RqdInterfaceClient, frameID, message string) {
	t.Helper()
	if _, err := rqd.KillRunningFrame(t.Context(), &rqdpb.RqdStaticKillRunningFrameRequest{FrameId: frameID, Message: message}); err != nil {
		t.Errorf("kill: %v", err)
	}
}

// statusOf is what Cuebot would learn of the frame.
func statusOf(t *testing.T, rqd rqdpb.RqdInterfaceClient, frameID string) codes.Code {
	t.Helper()
	_, err := rqd.GetRunningFrameStatus(t.Context(), &rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: frameID})
	return status.Code(err)
}

func wantNotRunning(t *testing.T, rqd rqdpb.RqdInterfaceClient, frameID string) {
	t.Helper()
	if code := statusOf(t, rqd, frameID); code != codes.NotFound {
		t.Errorf("have %v, want %v", code, codes.NotFound)
	}
}
