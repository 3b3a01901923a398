package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxSize is the most bytes of JSON that a message may have. An order holds a command and an
// environment, which the kernel bounds to 2 MB; quoting may make six times that of it.
const MaxSize = 16 << 20

const headerSize = 4

// Append appends m to dst as it goes over the socket, header and all, so that one write sends
// it and a descriptor can travel with its first byte.
func Append(dst []byte, m Message) ([]byte, error) {
	if n := m.set(); n != 1 {
		return dst, fmt.Errorf("encode message: it has %d of its fields set, want 1", n)
	}
	start := len(dst)
	text := marshal(append(dst, make([]byte, headerSize)...), m.fields)
	size := len(text) - start - headerSize
	if size > MaxSize {
		return dst, tooLarge(size, MaxSize)
	}
	binary.BigEndian.PutUint32(text[start:], uint32(size)) //nolint:gosec // At most MaxSize.
	return text, nil
}

// Write sends m with one call of w.Write.
func Write(w io.Writer, m Message) error {
	frame, err := Append(nil, m)
	if err != nil {
		return err
	}
	if _, err := w.Write(frame); err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	return nil
}

// Read receives one message of at most limit bytes, or MaxSize when limit is 0. At the end of
// the stream, between two messages, the error is io.EOF itself.
func Read(r io.Reader, limit int) (Message, error) {
	if limit <= 0 || limit > MaxSize {
		limit = MaxSize
	}
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if err == io.EOF {
			return Message{}, io.EOF
		}
		return Message{}, fmt.Errorf("read message header: %w", err)
	}
	size := binary.BigEndian.Uint32(header[:])
	if uint64(size) > uint64(limit) { //nolint:gosec // The limit is positive.
		return Message{}, tooLarge(int(size), limit)
	}
	// The buffer grows with what arrives: a header alone must not cost its receiver memory.
	var text bytes.Buffer
	if _, err := io.CopyN(&text, r, int64(size)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Message{}, fmt.Errorf("read message of %d bytes: %w", size, err)
	}
	return decode(text.Bytes())
}

// marshal appends an object of the fields to dst.
func marshal(dst []byte, fields func(*codec)) []byte {
	c := codec{out: dst}
	c.object(func() { fields(&c) })
	return c.out
}

// unmarshal reads an object into the fields.
func unmarshal(text []byte, fields func(*codec)) error {
	c := codec{reading: true, parser: parser{in: text}}
	c.object(func() { fields(&c) })
	if c.peek(); c.err == nil && c.at < len(c.in) {
		c.fail(errors.New("JSON goes on after its end"))
	}
	return c.err
}

func decode(text []byte) (Message, error) {
	var m Message
	if err := unmarshal(text, m.fields); err != nil {
		return Message{}, fmt.Errorf("decode message: %w", err)
	}
	if n := m.set(); n > 1 {
		return Message{}, fmt.Errorf("decode message: it has %d of its fields set, want 1", n)
	}
	return m, nil
}

// set counts what is set.
func (m Message) set() int {
	n := 0
	for _, set := range []bool{
		m.Hello != nil, m.Started != nil, m.Figures != nil, m.NeedLog != nil, m.Exit != nil,
		m.Order != nil, m.Log != nil, m.Kill != nil, m.Ack != nil, m.Alive != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

func tooLarge(size, limit int) error {
	return fmt.Errorf("message has %d bytes, want at most %d", size, limit)
}
