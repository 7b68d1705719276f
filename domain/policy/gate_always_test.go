package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlways(t *testing.T) {
	t.Parallel()
	rows := rowsOf(t, input(), "always", "always")
	if diff := cmp.Diff([]string{"Unconditional trigger match"}, messagesOf(rows)); diff != "" {
		t.Errorf("messages (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"always"}, idsOf(rows)); diff != "" {
		t.Errorf("trigger ids (-want +got)\n%s", diff)
	}
}
