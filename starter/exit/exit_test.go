package exit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"go.temporal.io/api/serviceerror"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/starter/output"
)

func TestConclude(t *testing.T) {
	t.Parallel()
	gone := &Unreachable{"temporal.example.com:7233", errors.New("connection refused")}
	tests := []struct {
		name string
		err  error
		code int
		said string
	}{
		{"done", nil, 0, ""},
		{"the answer is no, as was shown", ErrAnswered, 1, ""},
		{"nonsense", Usage("unknown option --x"), 2, "tagwatch: unknown option --x\n"},
		{"refused by a worker", Answered(fmt.Errorf("resolve nginx: %w", errkind.NotFound)), 1, "tagwatch: resolve nginx\n"},
		{"kind in the middle", Answered(fmt.Errorf("import x: %w: no archive", errkind.Invalid)), 1, "tagwatch: import x: no archive\n"},
		{"passing failure of a worker", Answered(fmt.Errorf("resolve nginx: %w", errkind.Unavailable)), 2, "tagwatch: resolve nginx\n"},
		{"fault of the database", fmt.Errorf("read: it is damaged: %w", errkind.Invalid), 2, "tagwatch: read: it is damaged\n"},
		{"cannot although refused", Unable(Refused("nobody is subscribed")), 2, "tagwatch: nobody is subscribed\n"},
		{"unreachable", fmt.Errorf("subscribe: %w", gone), 2,
			"tagwatch: Temporal is not reachable at temporal.example.com:7233; start it with tagwatch up, or set TEMPORAL_ADDRESS\n"},
		{"credentials", &Unreachable{"t:1", serviceerror.NewPermissionDenied("", "")}, 2,
			"tagwatch: Temporal at t:1 rejected the credentials; check TEMPORAL_API_KEY and TEMPORAL_TLS_...\n"},
		{"namespace", &Unreachable{"t:1", serviceerror.NewNamespaceNotFound("shop")}, 2,
			"tagwatch: Temporal at t:1 has no namespace \"shop\"; create it, or set TEMPORAL_NAMESPACE\n"},
		{"interrupted", fmt.Errorf("wait: %w", context.Canceled), 2, "tagwatch: interrupted\n"},
		{"several, the most severe counts", Join([]error{Refused("no a"), fmt.Errorf("broken b"), Refused("no c")}), 2,
			"tagwatch: no a\ntagwatch: broken b\ntagwatch: no c\n"},
		{"several of none", Join(nil), 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			if code := Conclude(&said, test.err); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if said.String() != test.said {
				t.Errorf("said %q, want %q", said.String(), test.said)
			}
		})
	}
}

// TestErrorsAreShielded: what a registry or a receiver said stands in errors, too.
func TestErrorsAreShielded(t *testing.T) {
	t.Parallel()
	const stranger = "a\u009b31m\u202etxt.exe\x1b]0;x\a\x7f\u2028z"
	var out strings.Builder
	Conclude(&out, errors.New("it says "+stranger))
	if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("%q", out.String())
	}
	if cell := output.OneLine(stranger); strings.ContainsFunc(cell, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("a cell: %q", cell)
	}
}
