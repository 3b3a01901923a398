package rpc_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"rqdswarm/rqdcore/cuepb/rqdpb"
	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/rpc"
	"rqdswarm/rqdcore/rqlog"
)

// raw sends bytes as they are, where a message is expected.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }

var _ encoding.CodecV2 = raw{}

// TestMalformedRunFrames sends 10,000 orders that went wrong on the way, or were never right. Each has an answer, and none that is
// accepted would write outside of its log directory.
func TestMalformedRunFrames(t *testing.T) {
	t.Parallel()
	accepted := 0
	s := serve(t, &fakeHost{launch: func(_ context.Context, f frame.Frame) error {
		accepted++
		if dir := filepath.Dir(rqlog.Path(f)); dir != f.LogDir && f.LokiURL == "" || strings.ContainsAny(f.ID+f.JobName+f.Name, "/\x00\n") || f.Cores <= 0 {
			t.Errorf("accepted %+v, whose log is in %s", f, dir)
		}
		return nil
	}})
	random := rand.New(rand.NewPCG(1, 2))
	have := make(map[codes.Code]int)
	for i := range 10_000 {
		order := encode(t, order())
		if i%4 == 0 {
			order = garble(random, order)
		} else {
			order = encode(t, misfill(random, i%4))
		}
		err := s.conn.Invoke(t.Context(), rqdpb.RqdInterface_LaunchFrame_FullMethodName, order, new([]byte), grpc.ForceCodecV2(raw{}))
		have[status.Code(err)]++
	}
	if accepted != have[codes.OK] || have[codes.InvalidArgument] < 2000 || have[codes.Internal] > 2500 || have[codes.Unavailable]+have[codes.Unknown] > 0 {
		t.Errorf("have answers %v and %d accepted frames, want refusals and a server that lives", have, accepted)
	}
	t.Logf("answers: %v", have)
	if err := rpc.CheckHealth(soon(t), s.addr); err != nil {
		t.Error(err)
	}
}

func encode(t *testing.T, f *rqdpb.RunFrame) []byte {
	t.Helper()
	text, err := proto.Marshal(&rqdpb.RqdStaticLaunchFrameRequest{RunFrame: f})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// garble changes, takes away or adds some bytes of a message.
func garble(random *rand.Rand, text []byte) []byte {
	for range 1 + random.IntN(4) {
		i := random.IntN(len(text))
		switch random.IntN(3) {
		case 0:
			text[i] ^= 1 << random.IntN(8)
		case 1:
			text = slices.Delete(text, i, min(len(text)-1, i+1+random.IntN(4)))
		default:
			text = slices.Insert(text, i, byte(random.IntN(256)))
		}
	}
	return text
}

// misfill is an order in which some fields hold what nobody should send.
func misfill(random *rand.Rand, fields int) *rqdpb.RunFrame {
	f := order()
	odd := []string{"", "/", "..", "../../etc/passwd", "a\x00b", "a\nb", "\u2028", "ümläut", strings.Repeat("x", 5000), "-rf", "$(reboot)", "a:b", " "}
	all := f.ProtoReflect().Descriptor().Fields()
	for range fields {
		field := all.Get(random.IntN(all.Len()))
		switch {
		case field.IsMap():
			f.Environment = map[string]string{odd[random.IntN(len(odd))]: odd[random.IntN(len(odd))]}
		case field.Kind() == protoreflect.StringKind:
			f.ProtoReflect().Set(field, protoreflect.ValueOfString(odd[random.IntN(len(odd))]))
		case field.Kind() == protoreflect.Int32Kind:
			f.ProtoReflect().Set(field, protoreflect.ValueOfInt32(int32(random.Uint32())))
		case field.Kind() == protoreflect.Int64Kind:
			f.ProtoReflect().Set(field, protoreflect.ValueOfInt64(int64(random.Uint64())))
		}
	}
	return f
}
