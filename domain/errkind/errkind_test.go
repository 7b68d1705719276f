package errkind_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind      error
		name      string
		permanent bool
	}{
		{errkind.NotFound, "NotFound", true},
		{errkind.Unauthorized, "Unauthorized", true},
		{errkind.Invalid, "Invalid", true},
		{errkind.Limit, "Limit", true},
		{errkind.Conflict, "Conflict", false},
		{errkind.Unavailable, "Unavailable", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wrapped := errors.Join(errors.New("beside"), fmt.Errorf("read the tag: %w", fmt.Errorf("ask: %w", test.kind)))
			if got := errkind.Name(wrapped); got != test.name {
				t.Errorf("name %q, want %q", got, test.name)
			}
			if got := errkind.ByName(test.name); got != test.kind {
				t.Errorf("kind of that name: %v", got)
			}
			if got := errkind.Permanent(wrapped); got != test.permanent {
				t.Errorf("permanent: %v, want %v", got, test.permanent)
			}
		})
	}
}

func TestNoKind(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("not found")} {
		if name := errkind.Name(err); name != "" || errkind.Permanent(err) {
			t.Errorf("%v is of kind %q", err, name)
		}
	}
	for _, name := range []string{"", "notfound", "Timeout"} {
		if kind := errkind.ByName(name); kind != nil {
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
		{fmt.Errorf("no tag r/a:1: %w", errkind.NotFound), "no tag r/a:1"},
		{fmt.Errorf("look up r/a:1: %w: no such host", errkind.Unavailable), "look up r/a:1: no such host"},
		{fmt.Errorf("of no kind: not found"), "of no kind: not found"},
		{errkind.Invalid, "invalid"},
	} {
		if got := errkind.Text(test.err); got != test.want {
			t.Errorf("text %q of %q, want %q", got, test.err, test.want)
		}
	}
}
