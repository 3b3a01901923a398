//go:build integration

package main

import (
	"slices"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/supervisor/granted"
	"rqdswarm/supervisor/swarm"
)

// TestRealCapabilitiesAsAsked compares what the engine's shim has with what a host is found to grant by trying.
func TestRealCapabilitiesAsAsked(t *testing.T) {
	l := newLab(t)
	c, err := l.client.Inspect(t.Context(), l.supervisor(polite))
	if err != nil {
		t.Fatal(err)
	}
	asked, err := granted.Ask(t.Context(), l.client, swarm.Self{Container: c})
	if err != nil {
		t.Fatal(err)
	}
	tried, err := engine.GrantedCapabilities(t.Context(), l.client, polite)
	if err != nil {
		t.Fatal(err)
	}
	recent := func(c string) bool { return slices.Contains([]string{"PERFMON", "BPF", "CHECKPOINT_RESTORE"}, c) }
	if asked, tried := slices.DeleteFunc(asked, recent), slices.DeleteFunc(tried, recent); !slices.Equal(asked, tried) {
		t.Errorf("want the same answer, have %v asked and %v tried", asked, tried)
	}
}
