package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"rqdswarm/rqdcore/cuepb/rqdpb"
)

// knockPause is how soon the port is tried again: the first instant is what matters.
const knockPause = 2 * time.Millisecond

// knockers is how many connections wait for RQD to open its port.
const knockers = 3

// knock has calls at RQD's port before RQD serves: it listens early, so they wait in the socket. A gRPC client would first
// exchange settings, and that takes longer than an adoption, so this writes the requests' bytes at once. It holds the
// connection until RQD is gone, and starts over.
func (c *chaos) knock(ctx context.Context, address string) {
	for ; ctx.Err() == nil; c.pause(ctx, knockPause) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			continue
		}
		over := context.AfterFunc(ctx, func() { _ = conn.Close() })
		k := knocker{chaos: c, framer: http2.NewFramer(conn, conn), asked: make(map[uint32]*run)}
		if k.ask(conn) == nil {
			k.listen()
		}
		over()
		_ = conn.Close()
	}
}

// knocker is one connection's requests.
type knocker struct {
	*chaos
	framer *http2.Framer
	asked  map[uint32]*run // By stream.
}

// ask sends a request for every frame that surely runs.
func (k *knocker) ask(conn net.Conn) error {
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return err
	}
	if err := k.framer.WriteSettings(); err != nil {
		return err
	}
	var text bytes.Buffer
	encoder := hpack.NewEncoder(&text)
	stream := uint32(1)
	for _, r := range k.books.victims(endless) {
		text.Reset()
		for _, h := range [][2]string{
			{":method", http.MethodPost},
			{":scheme", "http"},
			{":path", rqdpb.RqdInterface_GetRunningFrameStatus_FullMethodName},
			{":authority", "rqd"},
			{"content-type", "application/grpc"},
			{"te", "trailers"},
		} {
			_ = encoder.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}) // Into memory.
		}
		body, err := proto.Marshal(&rqdpb.RqdStaticGetRunningFrameStatusRequest{FrameId: r.frameID})
		if err != nil {
			return err
		}
		const prefix = 5                                                                               // Not compressed, and the length.
		message := binary.BigEndian.AppendUint32(make([]byte, 1, prefix+len(body)), uint32(len(body))) // #nosec G115 -- an id's length.
		k.asked[stream] = r
		if err := k.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: text.Bytes(), EndHeaders: true}); err != nil {
			return err
		}
		if err := k.framer.WriteData(stream, true, append(message, body...)); err != nil {
			return err
		}
		stream += 2
	}
	return nil
}

// listen takes the answers, and then waits for the connection's end.
func (k *knocker) listen() {
	k.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := k.framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = k.framer.WriteSettingsAck() // A connection that is over shows at the next read.
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = k.framer.WritePing(true, f.Data)
			}
		case *http2.MetaHeadersFrame:
			k.take(f)
		}
	}
}

// take looks for the status of one answer.
func (k *knocker) take(f *http2.MetaHeadersFrame) {
	for _, h := range f.Fields {
		r := k.asked[f.StreamID]
		if h.Name != "grpc-status" || r == nil {
			continue
		}
		switch code, err := strconv.ParseUint(h.Value, 10, 32); {
		case err != nil:
			k.books.wrong("%s: RQD answered with status %q", r.id, h.Value)
		case codes.Code(code) == codes.NotFound && slices.Contains(k.books.victims(endless), r):
			k.books.wrong("%s: RQD said NOT_FOUND of a frame that runs, right after its start", r.id)
		case codes.Code(code) == codes.OK:
			k.knocks.Add(1)
		}
	}
}

// address is where RQD listens.
func (c *chaos) address() string { return fmt.Sprintf("127.0.0.1:%d", c.port) }
