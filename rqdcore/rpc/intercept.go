package rpc

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// logged writes one line a call: debug for what is answered as asked, info for a refusal.
// NOT_FOUND is an answer like any other, and Cuebot polls for it.
func logged(log zerolog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		began := time.Now()
		answer, err := next(ctx, req)
		said := status.Convert(err)
		line := log.With().Str("call", info.FullMethod).Stringer("code", said.Code()).Dur("took", time.Since(began)).Logger()
		if p, ok := peer.FromContext(ctx); ok {
			line = line.With().Stringer("peer", p.Addr).Logger()
		}
		if r, ok := req.(interface{ GetFrameId() string }); ok {
			line = line.With().Str("frame_id", r.GetFrameId()).Logger()
		}
		switch said.Code() {
		case codes.OK:
			line.Debug().Msg("call answered")
		case codes.NotFound, codes.Canceled:
			line.Debug().Str("reason", said.Message()).Msg("call answered")
		case codes.Internal, codes.Unknown:
			line.Error().Str("reason", said.Message()).Msg("call failed")
		default:
			line.Info().Str("reason", said.Message()).Msg("call refused")
		}
		return answer, err
	}
}

// coded gives every error its status code.
func coded(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	answer, err := next(ctx, req)
	if err != nil {
		return nil, statusOf(err)
	}
	return answer, nil
}

// safe turns a panic of one call into an error of that call: frames and their reports go on.
func safe(log zerolog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
		defer func() {
			if p := recover(); p != nil {
				log.Error().Str("call", info.FullMethod).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("call panicked")
				err = fmt.Errorf("%s panicked: %v", info.FullMethod, p)
			}
		}()
		return next(ctx, req)
	}
}
