package doctor

import (
	"testing"
)

func TestNear(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address           string
		here, trustworthy bool
	}{
		{"", true, true},
		{"127.0.0.1:7233", true, true},
		{"[::1]:7233", true, true},
		{"localhost:7233", true, true},
		{"temporal:7233", false, true},
		{"postgres", false, true},
		{"10.1.2.3:5432", false, true},
		{"192.0.2.1:7233", false, false},
		{"temporal.example.com:7233", false, false},
		{"db.example.com", false, false},
	} {
		if got := loopback(test.address); got != test.here {
			t.Errorf("loopback(%q) = %v", test.address, got)
		}
		if got := near(test.address); got != test.trustworthy {
			t.Errorf("near(%q) = %v", test.address, got)
		}
	}
}
