package rpc

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"rqdswarm/rqdcore/frame"
)

// statusCodes says what Cuebot is told for each reason to refuse a call. Cuebot reads NOT_FOUND
// as proof of death and every other code as an unknown outcome.
var statusCodes = []struct {
	reason error
	code   codes.Code
}{
	{frame.ErrInvalid, codes.InvalidArgument},
	{frame.ErrDuplicate, codes.AlreadyExists},
	{frame.ErrNoResources, codes.ResourceExhausted},
	{frame.ErrRefused, codes.FailedPrecondition},
	{frame.ErrUnavailable, codes.Unavailable},
	{frame.ErrNotRunning, codes.NotFound},
	{context.DeadlineExceeded, codes.DeadlineExceeded},
	{context.Canceled, codes.Canceled},
}

// statusOf gives an error of the host its status code.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	for _, s := range statusCodes {
		if errors.Is(err, s.reason) {
			return status.Error(s.code, err.Error())
		}
	}
	return status.Error(codes.Internal, err.Error())
}
