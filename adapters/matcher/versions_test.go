package matcher

import (
	"slices"
	"testing"

	"github.com/anchore/grype/grype/version"
)

func TestSortVersions(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		give   []string
		format version.Format
		want   []string
	}{
		{"none", nil, version.SemanticFormat, nil},
		{"by number", []string{"1.10.0", "1.9.0", "1.10.0"}, version.SemanticFormat, []string{"1.9.0", "1.10.0"}},
		{"by epoch", []string{"1:1.0", "2.0"}, version.DebFormat, []string{"2.0", "1:1.0"}},
		{"what is none", []string{"none?", "2.0.0", "1.0.0"}, version.SemanticFormat, []string{"1.0.0", "2.0.0", "none?"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := sortVersions(c.give, c.format); !slices.Equal(c.want, got) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
