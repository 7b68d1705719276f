package taglist_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

func TestFilterSelect(t *testing.T) {
	t.Parallel()
	signature := "sha256-" + strings.Repeat("a", 64) + ".sig"
	tags := []string{"v2.0", "latest", "v1.10", "v1.9", "v1.9-rc1", signature, "latest"}
	tests := []struct {
		name   string
		filter taglist.Filter
		want   []string
	}{
		{"no pattern keeps all, sorted, each once", taglist.Filter{}, []string{"latest", "v1.10", "v1.9", "v1.9-rc1", "v2.0"}},
		{"artifacts too", taglist.Filter{Artifacts: true}, []string{"latest", signature, "v1.10", "v1.9", "v1.9-rc1", "v2.0"}},
		{"include", taglist.Filter{Include: []string{"v1.*"}}, []string{"v1.10", "v1.9", "v1.9-rc1"}},
		{"any of several", taglist.Filter{Include: []string{"latest", "v2.?"}}, []string{"latest", "v2.0"}},
		{"exclude", taglist.Filter{Exclude: []string{"*-rc[0-9]", "latest"}}, []string{"v1.10", "v1.9", "v2.0"}},
		{"exclude wins", taglist.Filter{Include: []string{"v1.*"}, Exclude: []string{"*-rc*"}}, []string{"v1.10", "v1.9"}},
		{"a pattern is of the whole tag", taglist.Filter{Include: []string{"v1"}}, nil},
		{"case matters", taglist.Filter{Include: []string{"V*"}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.filter.Select(tags)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("selected (-want +got)\n%s", diff)
			}
		})
	}
}

func TestFilterValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		pattern string
		valid   bool
	}{
		{"plain", "latest", true},
		{"everything", "*", true},
		{"set", "v[0-9]", true},
		{"literal bracket", `a\[b`, true},
		{"open set", "v[0-9", false},
		{"empty set", "v[]", false},
		{"bad range", "v[a-]", false},
		{"open set after something that never matches", "x[", false},
		{"ends with a backslash", `v1\`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, filter := range []taglist.Filter{{Include: []string{test.pattern}}, {Exclude: []string{"*", test.pattern}}} {
				err := filter.Validate()
				if (err == nil) != test.valid {
					t.Fatalf("error %v, want valid: %v", err, test.valid)
				}
				if err != nil && (!errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "tag pattern")) {
					t.Errorf("error %v does not name the pattern", err)
				}
			}
		})
	}
}
