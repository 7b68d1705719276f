package session

import (
	"strings"
	"testing"
)

// The report that a command is slow must not appear among what it prints.
func TestSayEndsTheReportOfSlowness(t *testing.T) {
	t.Parallel()
	var progress strings.Builder
	stopped := false
	s := &Session{Progress: &progress, Shown: func() { stopped = true }}
	s.Say("%s: pulling", "nginx:1.27")
	if !stopped || progress.String() != "nginx:1.27: pulling\n" {
		t.Errorf("report stopped: %t; printed %q", stopped, progress.String())
	}
}
