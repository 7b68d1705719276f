package activities_test

import (
	"errors"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/workflows"
)

// expectFault checks what the other side of Temporal makes of a step's error: its
// kind, and whether the step is to be tried again.
func expectFault(t *testing.T, err, kind error, retried bool) {
	t.Helper()
	var application *temporal.ApplicationError
	if !errors.As(err, &application) {
		t.Fatalf("%v (%T) is no error of an application", err, err)
	}
	if restored := workflows.Restore(err); !errors.Is(restored, kind) {
		t.Errorf("%v arrives as %q, not as %v", err, errkind.Name(restored), kind)
	}
	if application.NonRetryable() == retried {
		t.Errorf("%v: tried again %t, want %t", err, !application.NonRetryable(), retried)
	}
}
