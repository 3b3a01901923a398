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

func wantNotRunning(t *testing.T, rqd rqdpb.RqdInterfaceClient, frameID string) {
	t.Helper()
	_, err := rqd.GetRunningFrameStatus(t.Context(), &rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: frameID})
	if code := status.Code(err); code != codes.NotFound {
		t.Errorf("have %v (%v), want %v", code, err, codes.NotFound)
	}
}
