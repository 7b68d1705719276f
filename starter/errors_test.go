package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/api/serviceerror"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

func TestConclude(t *testing.T) {
	t.Parallel()
	gone := &unreachable{"temporal.example.com:7233", errors.New("connection refused")}
	tests := []struct {
		name string
		err  error
		code int
		said string
	}{
		{"done", nil, 0, ""},
		{"the answer is no, as was shown", errAnswered, 1, ""},
		{"nonsense", usage("there is no option --x"), 2, "tagwatch: there is no option --x\n"},
		{"refused by a worker", answered(fmt.Errorf("resolve nginx: %w", errkind.NotFound)), 1, "tagwatch: resolve nginx\n"},
		{"kind in the middle", answered(fmt.Errorf("import x: %w: no archive", errkind.Invalid)), 1, "tagwatch: import x: no archive\n"},
		{"passing failure of a worker", answered(fmt.Errorf("resolve nginx: %w", errkind.Unavailable)), 2, "tagwatch: resolve nginx\n"},
		{"fault of the database", fmt.Errorf("read: it is damaged: %w", errkind.Invalid), 2, "tagwatch: read: it is damaged\n"},
		{"cannot although refused", unable(refused("nobody is subscribed")), 2, "tagwatch: nobody is subscribed\n"},
		{"unreachable", fmt.Errorf("subscribe: %w", gone), 2,
			"tagwatch: Temporal does not answer at temporal.example.com:7233; start it with: tagwatch up, or set TEMPORAL_ADDRESS\n"},
		{"credentials", &unreachable{"t:1", serviceerror.NewPermissionDenied("", "")}, 2,
			"tagwatch: Temporal at t:1 refuses the credentials; see TEMPORAL_API_KEY and TEMPORAL_TLS_...\n"},
		{"namespace", &unreachable{"t:1", serviceerror.NewNamespaceNotFound("shop")}, 2,
			"tagwatch: Temporal at t:1 has no namespace \"shop\"; create it, or set TEMPORAL_NAMESPACE\n"},
		{"interrupted", fmt.Errorf("wait: %w", context.Canceled), 2, "tagwatch: interrupted\n"},
		{"several, the mostSevere counts", join([]error{refused("no a"), fmt.Errorf("broken b"), refused("no c")}), 2,
			"tagwatch: no a\ntagwatch: broken b\ntagwatch: no c\n"},
		{"several of none", join(nil), 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			if code := conclude(&said, test.err); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if said.String() != test.said {
				t.Errorf("said %q, want %q", said.String(), test.said)
			}
		})
	}
}
