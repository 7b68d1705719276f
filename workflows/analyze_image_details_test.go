package workflows

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Thousands of tags can point to one image: the details name some of them.
func TestAnalysisDetailsForThousands(t *testing.T) {
	t.Parallel()
	target, err := image.ParseTarget("registry.example.com/app:1@linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	requests := make([]analysis.Request, 3000)
	for i := range requests {
		requests[i].Target = target
	}
	for count, want := range map[int]string{3000: "\n- and for 2950 more", 50: "`"} {
		details := analysisDetails("Being analyzed", requests[:count])
		if named := strings.Count(details, "registry.example.com/app:1"); named != 50 || !strings.HasSuffix(details, want) {
			t.Errorf("details of %d requests name %d, and end in %q", count, named, details[len(details)-40:])
		}
	}
}
