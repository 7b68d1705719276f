package client

import "testing"

func TestVersionOf(t *testing.T) {
	t.Parallel()
	for identity, want := range map[string]string{
		"tagwatch-worker@host:12 1.4": "1.4", "tagwatch-worker@host:12": "unknown", "": "unknown",
	} {
		if got := versionOf(identity); got != want {
			t.Errorf("versionOf(%q) = %q, want %q", identity, got, want)
		}
	}
}
