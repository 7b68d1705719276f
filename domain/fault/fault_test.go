package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tagwatch/tagwatch/domain/fault"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind      error
		name      string
		permanent bool
	}{
		{fault.NotFound, "NotFound", true},
		{fault.Unauthorized, "Unauthorized", true},
		{fault.Invalid, "Invalid", true},
		{fault.Limit, "Limit", true},
		{fault.Conflict, "Conflict", false},
		{fault.Unavailable, "Unavailable", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wrapped := errors.Join(errors.New("beside"), fmt.Errorf("read the tag: %w", fmt.Errorf("ask: %w", test.kind)))
			if got := fault.Name(wrapped); got != test.name {
				t.Errorf("name %q, want %q", got, test.name)
			}
			if got := fault.ByName(test.name); got != test.kind {
				t.Errorf("kind of that name: %v", got)
			}
			if got := fault.Permanent(wrapped); got != test.permanent {
				t.Errorf("permanent: %v, want %v", got, test.permanent)
			}
		})
	}
}

func TestNoKind(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("not found")} {
		if name := fault.Name(err); name != "" || fault.Permanent(err) {
			t.Errorf("%v is of kind %q", err, name)
		}
	}
	for _, name := range []string{"", "notfound", "Timeout"} {
		if kind := fault.ByName(name); kind != nil {
			t.Errorf("%q names %v", name, kind)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("no tag r/a:1: %w", fault.NotFound), "no tag r/a:1"},
		{fmt.Errorf("look up r/a:1: %w: no such host", fault.Unavailable), "look up r/a:1: no such host"},
		{fmt.Errorf("of no kind: not found"), "of no kind: not found"},
		{fault.Invalid, "invalid"},
	} {
		if got := fault.Text(test.err); got != test.want {
			t.Errorf("text %q of %q, want %q", got, test.err, test.want)
		}
	}
}
