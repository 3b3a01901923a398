package cuepb_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// call is one recorded call between a real Cuebot and an RQD: the bytes, and what OpenCue's
// own Python code read in them.
type call struct {
	Call        string          `json:"call"`
	Method      string          `json:"method"`
	RequestB64  string          `json:"request_b64"`
	ResponseB64 *string         `json:"response_b64"` // nil when the call was refused.
	Request     json.RawMessage `json:"request"`
	Response    json.RawMessage `json:"response"`
}

// Real calls decode to what OpenCue read in them, without unknown fields, and encode to the
// same bytes again. Two orders are each encoder's own choice and are therefore made equal
// before the bytes are compared: that of a map's entries, and that of oneof fields among the others.
func TestRealCalls(t *testing.T) {
	t.Parallel()
	types := map[string]protoreflect.MethodDescriptor{}
	eachMethod(func(m protoreflect.MethodDescriptor) {
		types["/"+string(m.Parent().FullName())+"/"+string(m.Name())] = m
	})
	seen, identical := 0, 0
	for _, c := range load(t) {
		m := types[c.Method]
		if m == nil {
			t.Errorf("%s: no method %s", c.Call, c.Method)
			continue
		}
		seen++
		if check(t, c.Call, m.Input(), c.RequestB64, c.Request) {
			identical++
		}
		if c.ResponseB64 != nil {
			check(t, c.Call, m.Output(), *c.ResponseB64, c.Response)
		}
	}
	if seen != 94 || identical == 0 {
		t.Errorf("compared %d calls, %d of them without any reordering: want 94, and some", seen, identical)
	}
}

// check compares one message and tells whether even its unordered bytes are the same.
func check(t *testing.T, name string, d protoreflect.MessageDescriptor, b64 string, text json.RawMessage) bool {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	have, want := newMessage(t, d), newMessage(t, d)
	if err := proto.Unmarshal(raw, have); err != nil {
		t.Errorf("%s: %v", name, err)
		return false
	}
	if err := protojson.Unmarshal(orEmpty(text), want); err != nil {
		t.Errorf("%s: %v", name, err)
		return false
	}
	if !proto.Equal(have, want) {
		t.Errorf("%s: have %v, want %v", name, have, want)
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(have)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return false
	}
	if a, b := canonical(t, d, again), canonical(t, d, raw); !bytes.Equal(a, b) {
		t.Errorf("%s: encoded again:\n%x\nrecorded:\n%x", name, a, b)
	}
	return bytes.Equal(raw, again)
}

// newMessage makes the generated type, which is what the program uses.
func newMessage(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	m, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return m.New().Interface()
}

func orEmpty(text json.RawMessage) []byte {
	if len(text) == 0 || string(text) == "null" {
		return []byte("{}")
	}
	return text
}

// canonical sorts the fields of a message by number and the entries of its maps by their bytes,
// at every depth, without decoding anything else: every byte of the input is in the output.
func canonical(t *testing.T, d protoreflect.MessageDescriptor, raw []byte) []byte {
	t.Helper()
	type field struct {
		number protowire.Number
		raw    []byte
	}
	var all []field
	for len(raw) > 0 {
		number, _, n := protowire.ConsumeField(raw)
		if n < 0 {
			t.Fatalf("%s: %v", d.FullName(), protowire.ParseError(n))
		}
		one := raw[:n:n]
		raw = raw[n:]
		f := d.Fields().ByNumber(number)
		if f == nil {
			t.Fatalf("%s: field %d is unknown", d.FullName(), number)
		}
		if f.Message() != nil {
			_, _, tag := protowire.ConsumeTag(one)
			body, _ := protowire.ConsumeBytes(one[tag:])
			one = protowire.AppendBytes(one[:tag:tag], canonical(t, f.Message(), body))
		}
		all = append(all, field{number, one})
	}
	slices.SortStableFunc(all, func(a, b field) int {
		if a.number == b.number && d.Fields().ByNumber(a.number).IsMap() {
			return bytes.Compare(a.raw, b.raw)
		}
		return int(a.number) - int(b.number)
	})
	var out []byte
	for _, f := range all {
		out = append(out, f.raw...)
	}
	return out
}

func load(t *testing.T) []call {
	t.Helper()
	f, err := os.Open("testdata/calls.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var calls []call
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c call
		if err := json.NewDecoder(strings.NewReader(lines.Text())).Decode(&c); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls
}
