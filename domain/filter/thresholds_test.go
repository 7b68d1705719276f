package filter_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/filter"
)

// TestThresholds are numbers that a score has to reach, or to fall below, for another
// selection.
func TestThresholds(t *testing.T) {
	t.Parallel()
	above := math.Nextafter(0.1, 1)
	for text, want := range map[string][]float64{
		"severity >= high": nil,
		"epss >= 0.1":      {0.1},
		"epss < 0.1":       {0.1},
		"epss > 0.1":       {above},
		"epss <= 0.1":      {above},
		"0.1 < epss":       {above},
		"0.1 >= epss":      {above},
		"0.1 <= epss":      {0.1},
		"0.1 > epss":       {0.1},
		"epss == 0.1":      {0.1, above},
		"cvss > 7.5 && !(epss >= 0.5) || epss >= 0.9": {0.5, 0.9},
		"epss > cvss": nil,
	} {
		e, err := filter.Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, e.Thresholds()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}
