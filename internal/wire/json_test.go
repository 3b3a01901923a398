package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// fill sets every field below v, each to something else.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Uint64:
		v.SetUint(1<<63 + uint64(*n))
	case reflect.String:
		v.SetString(strings.Repeat("\"<\\é\u2028\x01\x7f\U0001F600/\n\t", 1+*n%2))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"A\"": "1", "": "", "é": "\\"}))
	default:
		panic("a field of kind " + v.Kind().String())
	}
}

// TestEveryFieldIsJSON holds our JSON and that of the standard library together, for every field of every message.
func TestEveryFieldIsJSON(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[Message]().NumField() {
		for _, full := range []string{"full", "empty"} {
			var want Message
			field, n := reflect.ValueOf(&want).Elem().Field(i), 0
			field.Set(reflect.New(field.Type().Elem()))
			if full == "full" {
				fill(field.Elem(), &n)
			}
			ours := marshal(nil, want.fields)
			var have Message
			if err := json.Unmarshal(ours, &have); err != nil || !reflect.DeepEqual(have, want) {
				t.Errorf("the library reads %s\nas %+v, error %v", ours, have, err)
			}
			theirs, err := json.MarshalIndent(want, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if have, err := decode(theirs); err != nil || !reflect.DeepEqual(have, want) {
				t.Errorf("we read %s\nas %+v, error %v", theirs, have, err)
			}
		}
	}
}

func TestParserRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 100_000)
	for _, text := range []string{
		``, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{a:1}`, `{"a":}`,
		`{"ack":{}} x`, `{"ack":[]}`, `{"kill":{"grace_millis":1.5}}`, `{"kill":{"grace_millis":"1"}}`, `{"kill":{"grace_millis":99999999999999999999}}`,
		`{"kill":{"grace_millis":}}`, `{"need_log":{"reason":"\q"}}`, `{"need_log":{"reason":"\u12"}}`, `{"need_log":{"reason":"\uzzzz"}}`,
		"{\"need_log\":{\"reason\":\"\n\"}}", `{"need_log":{"reason":1}}`, `{"order":{"timestamps":1}}`, `{"order":{"groups":{}}}`,
		`{"order":{"groups":[1,]}}`, `{"order":{"environment":{"A":1}}}`, `{"new":` + deep, `{"new":tru}`, `{"new":[1}`,
	} {
		if m, err := decode([]byte(text)); err == nil {
			t.Errorf("%.60q: have %+v, want an error", text, m)
		}
	}
}

func TestParserTakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"need_log":{"reason":"\ud83d\ude00\/\b\f\r"}}`:                                   "\U0001F600/\b\f\r",
		`{"need_log":{"reason":"\ud83dx\ud83d\u0041\ude00"}}`:                              "\uFFFDx\uFFFDA\uFFFD",
		"{\"need_log\":{\"reason\":\"a\xffb\"}}":                                           "a\uFFFDb",
		` { "need_log" : { "new" : [ 1.5e3 , { "a" : null } , [ ] ] , "reason" : "x" } } `: "x",
		`{"need_log":{"reason":"x","new":{"reason":"y"},"newer":true}}`:                    "x",
		`{"need_log":{"reason":null,"new":"\\"}}`:                                          "",
	} {
		m, err := decode([]byte(text))
		if err != nil || m.NeedLog == nil || m.NeedLog.Reason != want {
			t.Errorf("%s: have %+v, error %v, want %q", text, m.NeedLog, err, want)
		}
	}
}

// FuzzDecode wants what was read to be the same again once it is written, for us and for the standard library.
func FuzzDecode(f *testing.F) {
	f.Add(`{"order":{"command":"\u00e9","environment":{"A":"1"},"groups":[1,2],"zone":{"offset":3600}}}`)
	f.Add(`{"exit":{"cause":"exit","figures":{"processes":[{"pid":7}]}},"x":[{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		want, err := decode([]byte(text))
		if err != nil {
			return
		}
		again := marshal(nil, want.fields)
		if have, err := decode(again); err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%q: we read %s as %+v, error %v", text, again, have, err)
		}
		var have Message
		if err := json.Unmarshal(again, &have); err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%q: the library reads %s as %+v, error %v", text, again, have, err)
		}
	})
}
