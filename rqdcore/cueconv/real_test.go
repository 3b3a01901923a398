package cueconv_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
)

// realOrders are the LaunchFrame requests among the recorded calls.
func realOrders(t testing.TB) [][]byte {
	t.Helper()
	raw, err := os.ReadFile("../cuepb/testdata/calls.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var orders [][]byte
	for line := range bytes.Lines(raw) {
		var call struct {
			Method     string `json:"method"`
			RequestB64 string `json:"request_b64"`
		}
		if err := json.Unmarshal(line, &call); err != nil {
			t.Fatal(err)
		}
		if call.Method != "/rqd.RqdInterface/LaunchFrame" {
			continue
		}
		order, err := base64.StdEncoding.DecodeString(call.RequestB64)
		if err != nil {
			t.Fatal(err)
		}
		orders = append(orders, order)
	}
	return orders
}
